import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { toStart } from './event-bus.contract.ts'
import { newRule } from './rate-limiter.contract.ts'
import {
  closeAll,
  describeWithRedis,
  eventually,
  newId,
  openRedisLab,
  timeMs,
  type RedisLab,
} from './redis.support.ts'

const BUSY_SCRIPT = `
local function now() local time = redis.call('TIME') return time[1] * 1000 + time[2] / 1000 end
local ends = now() + tonumber(ARGV[1])
while now() < ends do end
return 1
`
/** What a process allows itself for presence, and what a busy machine may add. */
const PRESENCE_MS = 300
const SLACK_MS = 200
/** By which a timer may be early. */
const TIMER_MS = 5

describeWithRedis('a Redis that is slow', () => {
  let lab: RedisLab
  let admin: Redis

  beforeAll(async () => {
    lab = await openRedisLab({ args: ['--enable-debug-command', 'yes'] })
    admin = new Redis(lab.server.url)
  })
  afterAll(async () => {
    admin.disconnect()
    await lab.close()
  })

  /** Each keeps Redis from answering for so long, and resolves once it answers again. */
  const faults: Record<string, (ms: number) => Promise<unknown>> = {
    'a slow command': (ms) => admin.call('DEBUG', 'SLEEP', String(ms / 1000)),
    'a slow script': (ms) => admin.eval(BUSY_SCRIPT, 0, ms),
    'paused writes': async (ms) => {
      await admin.call('CLIENT', 'PAUSE', String(ms), 'WRITE')
      await admin.publish('nobody', '')
    },
    'a stopped process': async (ms) => {
      signal('SIGSTOP')
      await sleep(ms)
      signal('SIGCONT')
      await admin.ping()
    },
  }

  function signal(name: NodeJS.Signals): void {
    if (lab.server.pid === undefined) throw new Error('this Redis is no process of ours')
    process.kill(lab.server.pid, name)
  }

  it.each(Object.entries(faults))(
    'costs what meets %s its time, and nothing later',
    async (_, fault) => {
      const prefix = newId()
      const [one, two] = [await lab.open(prefix), await lab.open(prefix)]
      const sessionId = newId()
      const seen: unknown[] = []
      await two.bus.subscribe(sessionId, (event) => seen.push(event))
      const rule = newRule({ points: 1 })
      await two.limiter.take(rule, 'ada')

      const over = fault(600)
      const waited = await eventually(
        () => timeMs(() => one.presence.join('ada', newId())),
        (ms) => ms > PRESENCE_MS - TIMER_MS,
      )
      expect(waited).toBeLessThan(PRESENCE_MS + SLACK_MS)
      await over

      await one.bus.publish(sessionId, toStart(sessionId))
      await eventually(
        () => seen.length,
        (count) => count === 1,
      )
      expect(await one.limiter.take(rule, 'ada')).toMatchObject({ allowed: false })
      expect(one.hooks.publishesFailed).toBe(0)
      await closeAll(one, two)
    },
  )

  it('is waited for by nobody once it has been silent for long, and is asked again at once', async () => {
    const one = await lab.open(newId())
    const over = faults['a stopped process']?.(2500)
    const rule = newRule({ points: 1000 })
    const startedAt = performance.now()
    const waits: number[] = []
    while (performance.now() - startedAt < 1500) {
      waits.push(await timeMs(() => one.limiter.take(rule, newId())))
      // Gives the connection its turn.
      await sleep(5)
    }
    const waited = waits.filter((ms) => ms >= 100)
    expect(waited.length).toBeGreaterThanOrEqual(1)
    expect(waited.length).toBeLessThanOrEqual(4)
    await over
    const back = () =>
      one.ping().then(
        () => true,
        () => false,
      )
    expect(await timeMs(() => eventually(back, Boolean))).toBeLessThan(SLACK_MS)
    await one.close()
  })
})
