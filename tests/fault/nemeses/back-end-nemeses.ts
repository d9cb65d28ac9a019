import { once } from 'node:events'
import { connect } from 'node:net'
import { askAdmin, waitForPrimary } from '../../environment/servers/replica-set.ts'
import type { ClusterUnderTest } from '../system/cluster-under-test.ts'
import type { Nemesis, Strike } from './run-nemeses.ts'

const ANSWER_TIMEOUT_MS = 2000
const AWAY_MS = [1000, 1000, 4000, 10_000] as const
const LONG_AWAY_MS = 60_000
const PAUSE_MS = { low: 1000, high: 8000 }
const DOWN_S = { low: 5, high: 12 }

export function createRedisNemeses({ redis }: Pick<ClusterUnderTest, 'redis'>): Nemesis[] {
  const skipped = redis.pid === undefined ? { skipped: 'Redis is no process of ours' } : {}
  const strike = (holdMs: number, begin: Strike['begin']): Strike => ({
    target: 'redis',
    holds: ['redis'],
    holdMs,
    begin,
  })
  const away = (holdMs: number): Strike => ({
    ...strike(holdMs, () => redis.kill()),
    end: () => redis.restart(),
  })
  const command = (line: string) => () => ask(redis.port, line)
  return [
    { kind: 'redis-kill', ...skipped, plan: (random) => away(random.pick(AWAY_MS)) },
    { kind: 'redis-away-long', special: true, ...skipped, plan: () => away(LONG_AWAY_MS) },
    { kind: 'redis-flush', plan: () => strike(0, command('FLUSHALL')) },
    {
      kind: 'redis-pause',
      plan(random) {
        const holdMs = Math.round(random.between(PAUSE_MS.low, PAUSE_MS.high))
        return strike(holdMs, command(`CLIENT PAUSE ${holdMs} ALL`))
      },
    },
    {
      kind: 'redis-drop-subscribers',
      plan: () => strike(0, command('CLIENT KILL TYPE pubsub')),
    },
  ]
}

async function ask(port: number, line: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write(`${line}\r\n`)
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const data: unknown[] = await once(socket, 'data', { signal })
    const answer = String(data[0]).trim()
    if (answer.startsWith('-')) throw new Error(answer)
  } finally {
    socket.destroy()
  }
}

/** The faults of the primary of a real MongoDB. A stand-in has no primary. */
export function createPrimaryNemeses({ mongo }: Pick<ClusterUnderTest, 'mongo'>): Nemesis[] {
  const isProcess = mongo.isReal && mongo.pid !== undefined
  const why = `no real mongod here: the store is ${mongo.kind}`
  const place = { target: 'store', holds: ['store'] }
  return [
    {
      kind: 'step-down',
      ...(mongo.isReal ? {} : { skipped: why }),
      plan(random) {
        const seconds = Math.round(random.between(DOWN_S.low, DOWN_S.high))
        // A set of one has no other member. It is forced to step down, and elected again after that
        // time.
        const command = { replSetStepDown: seconds, secondaryCatchUpPeriodSecs: 0, force: true }
        return {
          ...place,
          holdMs: seconds * 1000,
          begin: () => askAdmin(mongo, command),
          end: () => waitForPrimary(mongo),
        }
      },
    },
    {
      kind: 'kill-primary',
      ...(isProcess ? {} : { skipped: why }),
      plan: (random) => ({
        ...place,
        holdMs: random.between(0, DOWN_S.high * 1000),
        begin: async () => mongo.kill('SIGKILL'),
        end: () => mongo.restart(),
      }),
    },
  ]
}
