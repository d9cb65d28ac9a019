import { answerAll, given, PLAN, readOf, watcher, type Plant } from './plant.ts'
import { PLANTER } from './sample-steps.ts'

/** Faults between a sender and the log. */
const MESSAGE_PLANTS: readonly Plant[] = [
  {
    check: 'lost',
    name: 'acknowledges what it does not write',
    during: (world, session) => {
      const send = world.begin(session, PLANTER)
      world.acknowledge(send, { id: 'm-lost', seq: session.nextSeq, content: send.value })
    },
  },
  {
    check: 'unexpected',
    name: 'invents a message',
    during: (world, session) => void world.addQuestion(session, '#invented tokens=5', 'c-invented'),
  },
  {
    check: 'unexpected',
    name: 'changes a body',
    during: (world, session) => {
      const send = world.begin(session, PLANTER)
      const row = world.addQuestion(session, `${send.value}5`, send.clientMessageId)
      world.acknowledge(send, { ...row, content: send.value })
    },
  },
  {
    check: 'unexpected',
    name: 'acknowledges with another body',
    during: (world, session) => {
      const send = world.begin(session, PLANTER)
      world.acknowledge(send, { ...world.store(send), content: '#other tokens=5' })
    },
  },
  {
    check: 'unexpected',
    name: 'stores what it refuses',
    during: (world, session) => {
      const send = world.begin(session, PLANTER)
      world.store(send)
      world.fail(send, 'fail')
    },
  },
  {
    check: 'unexpected',
    name: 'answers what nobody asked',
    during: (world, session) => {
      const reply = { sender: 'ai', replyTo: 'm-nobody', status: 'failed', content: '' } as const
      world.addRow(session, { id: `r${world.nextId()}`, ...reply })
    },
  },
  {
    check: 'duplicated',
    name: 'stores a resend again',
    during: (world, session) => {
      const send = world.begin(session, PLANTER)
      world.acknowledge(send, world.store(send))
      const again = world.begin(session, PLANTER, send)
      world.acknowledge(again, world.addQuestion(session, send.value, 'c-fresh'))
    },
  },
  {
    check: 'duplicated',
    name: 'answers a resend with another message',
    during: (world, session) => {
      const other = world.sendWell(session)
      const send = world.begin(session, PLANTER)
      world.acknowledge(send, world.store(send))
      const again = world.begin(session, PLANTER, send)
      world.acknowledge(again, { ...other, content: send.value })
    },
  },
  {
    check: 'acknowledged-without-row',
    name: 'acknowledges under another id',
    during: (world, session) => {
      const send = world.begin(session, PLANTER)
      world.acknowledge(send, { ...world.store(send), id: 'm-other' })
    },
  },
  {
    check: 'acknowledged-without-row',
    name: 'acknowledges at another place',
    during: (world, session) => {
      const send = world.begin(session, PLANTER)
      const row = world.store(send)
      world.acknowledge(send, { ...row, seq: row.seq + 1 })
    },
  },
]

/** Faults in the order of a log and in what several readers have of it. */
const ORDER_PLANTS: readonly Plant[] = [
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
]

const LIVES: Plant[] = [
  {
    check: 'catch-up',
    name: 'leaves a viewer behind',
    reads: (reads, session) => void readOf(reads, session, 'shown').messages.pop(),
  },
  {
    check: 'catch-up',
    name: 'never lets a viewer come back',
    after: (world, session) => world.leave(given(session.viewers[0])),
  },
  {
    check: 'process',
    name: 'dies by itself',
    during: (world) => {
      world.record({
        op: 'life',
        phase: 'ended',
        process: 'worker-1',
        pid: 2,
        expected: false,
        code: 1,
      })
    },
  },
  {
    check: 'process',
    name: 'does not end well when it is asked to',
    during: (world) => {
      world.record({
        op: 'life',
        phase: 'ended',
        process: 'worker-1',
        pid: 2,
        expected: true,
        code: 1,
      })
    },
  },
  {
    check: 'payloads',
    name: 'spoils the state of a session',
    during: (world, { id }) => {
      const ids = { sessionId: id }
      world.record({ op: 'payload-refused', process: 'gateway-1', source: 'session', ids })
    },
  },
]

/** Faults in anything except answers. */
export const LOG_PLANTS: readonly Plant[] = [...MESSAGE_PLANTS, ...ORDER_PLANTS, ...LIVES]
