import { once } from 'node:events'
import { connect } from 'node:net'
import type { ClusterUnderTest } from '../cluster-under-test.ts'
import type { Random } from '../random.ts'
import { endsByItself, type Nemesis, type Strike } from './nemesis.ts'

const ANSWER_TIMEOUT_MS = 2000
const AWAY_MS = [1000, 1000, 4000, 10_000] as const
const LONG_AWAY_MS = 60_000

export function createRedisNemeses({ redis }: ClusterUnderTest): Nemesis[] {
  const skipped = redis.pid === undefined ? { skipped: 'Redis is no process of ours' } : {}
  const strike = (holdMs: number, begin: () => Promise<void>, end = endsByItself): Strike => ({
    target: 'redis',
    holds: ['redis'],
    holdMs,
    begin,
    end,
  })
  const command = (line: string): Promise<void> => ask(redis.port, line)
  return [
    { kind: 'redis-kill', ...skipped, plan: (random) => away(random.pick(AWAY_MS)) },
    { kind: 'redis-away-long', special: true, ...skipped, plan: () => away(LONG_AWAY_MS) },
    { kind: 'redis-flush', plan: () => strike(0, () => command('FLUSHALL')) },
    { kind: 'redis-pause', plan: (random) => pause(random) },
    {
      kind: 'redis-drop-subscribers',
      plan: () => strike(0, () => command('CLIENT KILL TYPE pubsub')),
    },
  ]

  function away(holdMs: number): Strike {
    return strike(
      holdMs,
      () => redis.kill(),
      async () => {
        await redis.restart()
        return undefined
      },
    )
  }

  function pause(random: Random): Strike {
    const holdMs = Math.round(random.between(1000, 8000))
    return strike(holdMs, () => command(`CLIENT PAUSE ${holdMs} ALL`))
  }
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
