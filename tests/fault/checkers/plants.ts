import { ANSWER_PLANTS } from './answer-plants.ts'
import { MESSAGE_PLANTS } from './message-plants.ts'
import { ORDER_PLANTS } from './order-plants.ts'
import { given, readOf, type Plant } from './plant.ts'

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

/** Faults of every kind, at least one for each checker. */
export const PLANTS: readonly Plant[] = [
  ...MESSAGE_PLANTS,
  ...ORDER_PLANTS,
  ...ANSWER_PLANTS,
  ...LIVES,
]
