import {
  CLASSES_OF,
  LOOKED_AT,
  RETRIED_A_CALL,
  type JobFilter,
  type JobQueue,
  type JobState,
  type QueueFigures,
  type QueueInspector,
  type RetryFilter,
  type SeenJob,
} from '@chatbox/core'
import type { Queue } from 'bullmq'
import { z } from 'zod'
import {
  countClasses,
  fromCursor,
  Growth,
  RETRY_LANE,
  toCursor,
  toFailureClass,
  toOffset,
} from '../../common/inspection.ts'
import { idsOf } from '../../common/job-rules.ts'
import { createScript, runScript } from '../client/connection.ts'
import type { RedisContext } from '../client/context.ts'
import { QUEUE_NAME } from './bull-worker.ts'

/** What a queue lets its inspector do. */
export interface InspectedQueue extends JobQueue {
  readonly bull: Queue
  /** Adds a job in the turn of its lane, once for a key. */
  add(name: string, payload: object, key: string): Promise<void>
  /** Rejects with `UNAVAILABLE` if Redis does not answer. */
  ask<T>(command: () => Promise<T>): Promise<T>
}

/** Every field that is read of a job. `deid` is its deduplication id. */
const FIELDS = ['name', 'data', 'timestamp', 'finishedOn', 'failedReason', 'atm', 'deid'] as const

/**
 * Reads jobs of a sorted set or a list from an index. KEYS: the set. ARGV: the prefix of a job's key,
 * which end comes first (`Z`, `R` or `L` for a list), the index, how many; the member that comes
 * before the first and its score, if the index is empty.
 */
const READ = createScript(`
local key, prefix, kind, from, count, member, score = KEYS[1], unpack(ARGV)
local ids
if kind == 'L' then
  -- The next job of a list is its last.
  local last = -1 - tonumber(from)
  ids = redis.call('LRANGE', key, last - tonumber(count) + 1, last)
  local turned = {}
  for i = #ids, 1, -1 do turned[#turned + 1] = ids[i] end
  ids = turned
else
  local first = tonumber(from)
  if not first then
    local rank = redis.call(kind == 'R' and 'ZREVRANK' or 'ZRANK', key, member)
    if rank then first = rank + 1
    elseif kind == 'R' then first = redis.call('ZCOUNT', key, '(' .. score, '+inf')
    else first = redis.call('ZCOUNT', key, '-inf', '(' .. score) end
  end
  ids = redis.call(kind == 'R' and 'ZREVRANGE' or 'ZRANGE', key, first, first + tonumber(count) - 1)
end
local jobs = {}
for i, id in ipairs(ids) do
  jobs[i] = {id, redis.call('HMGET', prefix .. id, ${FIELDS.map((name) => `'${name}'`).join(', ')})}
end
return jobs
`)

const jobsSchema = z.array(
  z.tuple([z.string(), z.array(z.string().nullable()).length(FIELDS.length)]),
)

interface BullJob extends SeenJob {
  data: string
  key: string | undefined
}

/** Reads what BullMQ keeps of its jobs, without their texts: a payload has none. */
export class BullQueueInspector implements QueueInspector {
  readonly name = QUEUE_NAME
  readonly #redis: RedisContext
  readonly #queue: InspectedQueue
  readonly #growth = new Growth()

  constructor(redis: RedisContext, queue: InspectedQueue) {
    this.#redis = redis
    this.#queue = queue
  }

  async figures(): Promise<QueueFigures> {
    const { bull } = this.#queue
    const [counts, oldestWaitingMs, paused, added, latest] = await Promise.all([
      this.#queue.counts(),
      this.#queue.oldestWaitingMs(),
      this.#queue.isPaused(),
      this.#queue.ask(() => this.#redis.commands.get(bull.toKey('pc'))),
      this.#queue.ask(() => this.#read('failed', { kind: 'R', from: 0, count: CLASSES_OF })),
    ])
    const { waiting, active, delayed } = counts
    return {
      ...{ ...counts, oldestWaitingMs, paused },
      endedPerMinute: this.#growth.perMinute(Number(added ?? 0) - waiting - active - delayed),
      failedByClass: countClasses(latest),
    }
  }

  async list(filter: JobFilter): Promise<{ jobs: SeenJob[]; next: string | undefined }> {
    checkCursor(filter)
    return this.#queue.ask(async () =>
      filter.state === 'failed'
        ? this.#listFailed(filter)
        : this.#listOthers(TYPES[filter.state], filter),
    )
  }

  async retry({ jobId, class: ofClass, after }: RetryFilter): ReturnType<QueueInspector['retry']> {
    if (jobId !== undefined) return { retried: await this.#retryOne(jobId), next: undefined }
    checkCursor({ state: 'failed', after })
    const found = await this.#queue.ask(() => this.#readAfter(after, 'Z', LOOKED_AT))
    let retried = 0
    let kept = after
    for (const job of found) {
      if (retried === RETRIED_A_CALL) return { retried, next: kept ?? START }
      if (ofClass !== undefined && ofClass !== job.failed?.class) kept = cursorOf(job)
      else retried += await this.#queue.ask(() => this.#readd(job))
    }
    return { retried, next: found.length === LOOKED_AT ? (kept ?? START) : undefined }
  }

  async setPaused(paused: boolean): Promise<void> {
    const { bull } = this.#queue
    await this.#queue.ask(() => (paused ? bull.pause() : bull.resume()))
  }

  async #retryOne(jobId: string): Promise<number> {
    return this.#queue.ask(async () => {
      const { commands } = this.#redis
      const score = await commands.zscore(this.#queue.bull.toKey('failed'), jobId)
      if (score === null) return 0
      const rank = await commands.zrank(this.#queue.bull.toKey('failed'), jobId)
      const [job] = await this.#read('failed', { kind: 'Z', from: rank ?? 0, count: 1 })
      return job?.id === jobId ? this.#readd(job) : 0
    })
  }

  /** Adds it before it is removed, because a job may be repeated but not lost. */
  async #readd({ id, name, data, key }: BullJob): Promise<number> {
    const payload = parseObject(data)
    if (payload && key !== undefined) {
      await this.#queue.add(name, { ...payload, lane: RETRY_LANE }, key)
    }
    await this.#queue.bull.remove(id)
    return payload && key !== undefined ? 1 : 0
  }

  async #listFailed({ class: ofClass, after, limit }: JobFilter): Promise<{
    jobs: SeenJob[]
    next: string | undefined
  }> {
    const found = await this.#readAfter(after, 'R', ofClass === undefined ? limit + 1 : LOOKED_AT)
    const matching = found.filter((job) => ofClass === undefined || ofClass === job.failed?.class)
    const jobs = matching.slice(0, limit)
    const last = matching.length > limit ? jobs.at(-1) : found.at(-1)
    const isEnd = matching.length <= limit && found.length < LOOKED_AT
    return { jobs: jobs.map(toSeen), next: isEnd || !last ? undefined : cursorOf(last) }
  }

  async #listOthers(
    types: readonly string[],
    { after, limit }: JobFilter,
  ): Promise<{
    jobs: SeenJob[]
    next: string | undefined
  }> {
    const from = toOffset(after)
    const jobs: BullJob[] = []
    let skipped = 0
    for (const type of types) {
      const count = limit + 1 - jobs.length
      const key = this.#queue.bull.toKey(type)
      const { commands } = this.#redis
      const size = await (LISTS.has(type) ? commands.llen(key) : commands.zcard(key))
      const offset = Math.max(0, from - skipped)
      skipped += size
      if (count <= 0 || offset >= size) continue
      const kind = LISTS.has(type) ? 'L' : 'Z'
      jobs.push(...(await this.#read(type, { kind, from: offset, count })))
    }
    const next = jobs.length > limit ? String(from + limit) : undefined
    return { jobs: jobs.slice(0, limit).map(toSeen), next }
  }

  #readAfter(after: string | undefined, kind: 'Z' | 'R', count: number): Promise<BullJob[]> {
    if (after === undefined || after === START)
      return this.#read('failed', { kind, from: 0, count })
    const { at, id } = fromCursor(after)
    return this.#read('failed', { kind, from: '', count, member: id, score: at })
  }

  async #read(
    type: string,
    { kind, from, count, member = '', score = 0 }: ReadRange,
  ): Promise<BullJob[]> {
    const answer = await runScript(this.#redis.commands, READ, {
      keys: [this.#queue.bull.toKey(type)],
      args: [this.#queue.bull.toKey(''), kind, from, count, member, score],
    })
    return jobsSchema.parse(answer).map(toBullJob)
  }
}

interface ReadRange {
  kind: 'Z' | 'R' | 'L'
  from: number | ''
  count: number
  member?: string
  score?: number
}

/** BullMQ's keys of each state, in the order of service. A held job is among the active ones. */
const TYPES = {
  waiting: ['wait', 'prioritized'],
  active: ['active'],
  delayed: ['delayed'],
} as const satisfies Record<Exclude<JobState, 'failed'>, readonly string[]>
const LISTS: ReadonlySet<string> = new Set(['wait', 'active'])
/** Before every job. */
const START = toCursor({ at: 0, id: '-' })

/** Throws before Redis is asked, whose errors all mean that it does not answer. */
function checkCursor({ state, after }: Pick<JobFilter, 'state' | 'after'>): void {
  if (state !== 'failed') toOffset(after)
  else if (after !== undefined) fromCursor(after)
}

function toBullJob([id, values]: z.infer<typeof jobsSchema>[number]): BullJob {
  const [name, data, timestamp, finishedOn, reason, attempts, key] = values
  const isFailed = finishedOn !== null && finishedOn !== undefined
  return {
    ...{ id, name: name ?? '', data: data ?? '', key: key ?? undefined },
    sessionId: idsOf(parseObject(data ?? '')).sessionId,
    attempts: Number(attempts ?? 0),
    enqueuedAt: new Date(Number(timestamp ?? 0)),
    failed: isFailed
      ? { at: new Date(Number(finishedOn)), class: toFailureClass(reason) }
      : undefined,
  }
}

function toSeen({ data: _, key: __, ...job }: BullJob): SeenJob {
  return job
}

function cursorOf({ id, failed }: BullJob): string {
  return toCursor({ at: failed?.at.getTime() ?? 0, id })
}

/** Returns undefined for a payload that was cut in Redis. */
function parseObject(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}
