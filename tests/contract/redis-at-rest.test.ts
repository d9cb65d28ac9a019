import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { createRecorder, newJob } from './job-queue.contract.ts'
import { newDelta, toStart, writeReply } from './event-bus.contract.ts'
import { describeWithRedis, eventually, openRedisLab, type RedisLab } from './redis.support.ts'

/** Each part of the system that is given a text of a user gets its own. */
const MARKERS = {
  delta: 'MARKER-of-a-delta',
  snapshot: 'MARKER-of-a-snapshot',
  event: 'MARKER-of-an-event',
  userId: 'MARKER-of-a-user@example.org',
  rateKey: 'MARKER-of-a-rate-key',
  malformedJob: 'MARKER-of-a-malformed-job',
  jobError: 'MARKER-of-an-error',
}

const PREFIX = 'rest'
/** Each key and its value, of one moment: the queue goes on with its jobs meanwhile. */
const SNAPSHOT = `
local taken = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  taken[#taken + 1] = key
  taken[#taken + 1] = redis.call('DUMP', key)
end
return taken
`

describeWithRedis('what rests in Redis', () => {
  let lab: RedisLab
  let redis: Redis
  beforeAll(async () => {
    // Uncompressed, so that a marker would show.
    lab = await openRedisLab({ aof: true, args: ['--rdbcompression', 'no'] })
    redis = new Redis(lab.server.url)
    await useEverything()
  })
  afterAll(async () => {
    redis.disconnect()
    await lab.close()
  })

  async function useEverything(): Promise<void> {
    const { bus, queue, limiter, presence, ledger } = await lab.open(PREFIX)
    await bus.subscribe('session', () => undefined)
    await writeReply(bus, { replyId: 'written' }, [MARKERS.delta, ' more'])
    await bus.publishDelta(
      newDelta({ replyId: 'folded', index: 9, text: MARKERS.delta }),
      () => MARKERS.snapshot,
    )
    await writeReply(bus, { replyId: 'dropped' }, [MARKERS.delta])
    await bus.dropDraft({ sessionId: 'session', replyId: 'dropped', attempt: 1 })
    const start = toStart('session')
    await bus.publish('session', { ...start, note: MARKERS.event } as unknown as typeof start)
    await limiter.take({ name: 'messages', points: 1, durationMs: 60_000 }, MARKERS.rateKey)
    await limiter.take({ name: 'messages', points: 1, durationMs: 60_000 }, MARKERS.userId)
    await presence.join(MARKERS.userId, 'connection')
    const spending = { tokens: 1, cost: 1 }
    await ledger.add({ id: 'reply:1', day: '2026-05-05', accounts: ['site'], spending })

    const { handlers, seen } = createRecorder((payload) => {
      const retryable = payload.sessionId === 'tries-again'
      return Promise.reject(Object.assign(new Error(MARKERS.jobError), { retryable }))
    })
    await queue.consume(handlers, { concurrency: 5 })
    await queue.enqueue('answer-session', newJob('tries-again'))
    await queue.enqueue('answer-session', newJob('fails'))
    await eventually(
      () => queue.counts(),
      ({ failed, delayed }) => failed === 1 && delayed === 1,
    )
    expect(seen.length).toBeGreaterThanOrEqual(2)
  }

  async function listKeys(): Promise<string[]> {
    const keys: string[] = []
    for await (const batch of redis.scanStream()) keys.push(...(batch as string[]))
    return keys
  }

  function findMarkers(bytes: Buffer): string[] {
    const text = bytes.toString('latin1')
    const isFound = (marker: string): boolean =>
      toTraces(marker).some((trace) => text.includes(trace))
    return Object.entries(MARKERS).flatMap(([name, marker]) => (isFound(marker) ? [name] : []))
  }

  /** The marker itself, as base64url, and as a digest that anybody can make to try a name. */
  function toTraces(marker: string): string[] {
    const digest = createHash('sha256').update(marker)
    const hex = digest.copy().digest('hex')
    const traces = [Buffer.from(marker).toString('base64url'), digest.digest('base64url'), hex]
    return [marker, ...traces.map((trace) => trace.slice(0, 16))]
  }

  it('is no text and no name of a user, in any key or value', async () => {
    const taken = (await redis.callBuffer('EVAL', SNAPSHOT, 0)) as Buffer[]
    expect(taken.length).toBeGreaterThan(2 * 8)
    for (const bytes of taken) expect(findMarkers(bytes)).toEqual([])
  })

  it('is no text and no name of a user in the files', async () => {
    const { dir } = lab.server
    if (dir === undefined) throw new Error('this Redis keeps its files elsewhere')
    await redis.save()
    const files = await readdir(dir, { recursive: true, withFileTypes: true })
    const contents = await Promise.all(
      files
        .filter((file) => file.isFile())
        .map((file) => readFile(join(file.parentPath, file.name))),
    )
    const all = Buffer.concat(contents)
    // The files hold what was written, or the rest of this test would say nothing.
    expect(all.includes(`${PREFIX}:{reply:written}:chunks`)).toBe(true)
    expect(all.includes('tries-again')).toBe(true)
    expect(findMarkers(all)).toEqual([])
  })

  it('goes away by itself, or belongs to the queue', async () => {
    const keys = await listKeys()
    const own = keys.filter((key) => !key.startsWith(`{${PREFIX}:queue}:`))
    expect(own.map((key) => key.replace(/[\w-]{22}/u, 'DIGEST')).toSorted()).toEqual([
      `${PREFIX}:rate:messages:DIGEST`,
      `${PREFIX}:rate:messages:DIGEST`,
      `${PREFIX}:{reply:dropped}:pad`,
      `${PREFIX}:{reply:folded}:chunks`,
      `${PREFIX}:{reply:folded}:pad`,
      `${PREFIX}:{reply:written}:chunks`,
      `${PREFIX}:{reply:written}:pad`,
      `${PREFIX}:{user:DIGEST}:here`,
      `{${PREFIX}:budget}:2026-05-05:site`,
      `{${PREFIX}:budget}:charge:reply:1`,
    ])
    for (const key of own) {
      const leftMs = await redis.pttl(key)
      const mostMs = key.endsWith(':site') ? 2 * 86_400_000 : 600_000
      expect([key, leftMs > 0 && leftMs <= mostMs]).toEqual([key, true])
    }
  })

  it('leaves nothing of a finished job', async () => {
    const prefix = 'finished'
    const { queue } = await lab.open(prefix)
    const { handlers, seen } = createRecorder(async (job) => {
      if (seen.length <= 20) await queue.enqueue('answer-session', newJob(job.sessionId))
    })
    await queue.consume(handlers, { concurrency: 5 })
    for (let count = 0; count < 20; count++) await queue.enqueue('answer-session', newJob())
    await eventually(
      () => seen.length,
      (count) => count === 40,
    )
    await eventually(
      async () => (await listKeys()).filter((key) => key.startsWith(`{${prefix}:queue}:`)),
      (keys) => keys.every((key) => !/:(?:\d+|d[en]:.*|active|wait|.*:lock)$/u.test(key)),
    )
  })
})
