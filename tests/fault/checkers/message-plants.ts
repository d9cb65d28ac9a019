import { listPlants } from './plant.ts'
import { PLANTER } from './sample-steps.ts'

/** What can go wrong between a sender and the log. */
export const MESSAGE_PLANTS = listPlants([
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
])
