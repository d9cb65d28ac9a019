import { answerAll, given, PLAN, readOf, watcher, listPlants } from './plant.ts'

/** What can go wrong with the order of a log, and with what several readers have of it. */
export const ORDER_PLANTS = listPlants([
  {
    check: 'order',
    name: 'leaves a hole',
    during: (world, session) => {
      session.nextSeq += 1
      world.sendWell(session)
    },
  },
  {
    check: 'order',
    name: 'puts the later before the earlier',
    during: (world, session) => {
      const seq = session.nextSeq
      session.nextSeq = seq + 1
      world.sendWell(session)
      session.nextSeq = seq
      world.sendWell(session)
      session.nextSeq = seq + 2
      session.rows.sort((a, b) => a.seq - b.seq)
    },
  },
  {
    check: 'order',
    name: 'answers the later question first',
    during: (world, session) => {
      answerAll(world, session)
      const first = world.sendWell(session)
      world.sendWell(session)
      const held = given(session.replies.get(first.id))
      held.state = 'held'
      world.answer(session, { ...PLAN, cut: [] })
      held.state = 'pending'
      answerAll(world, session)
    },
  },
  {
    check: 'order',
    name: 'shows two entries the wrong way round',
    during: (world, session) => {
      const viewer = watcher(world, session)
      world.sync(session, viewer)
      world.sendWell(session)
      world.sendWell(session)
      world.sync(session, viewer)
      const event = world.history.at(-1)
      if (event?.op === 'seen') event.entries.reverse()
    },
  },
  {
    check: 'disagreement',
    name: 'shows one viewer another entry',
    after: (_, session) => {
      const { shown } = given(session.viewers[0])
      shown[1] = { ...given(shown[1]), id: 'm-strange' }
    },
  },
  {
    check: 'disagreement',
    name: 'shows one viewer another text',
    after: (_, session) => {
      const { shown } = given(session.viewers[1])
      shown[0] = { ...given(shown[0]), content: 'something else' }
    },
  },
  {
    check: 'disagreement',
    name: 'showed for a while what is not there',
    during: (world, session) => {
      const viewer = watcher(world, session)
      world.sendWell(session)
      world.sync(session, viewer)
      const event = world.history.at(-1)
      if (event?.op === 'seen') given(event.entries.at(-1))[1] = 'm-strange'
    },
  },
  {
    check: 'disagreement',
    name: 'serves a reader less than the store has',
    reads: (reads, session) => void readOf(reads, session, 'http').messages.pop(),
  },
])
