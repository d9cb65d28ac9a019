import { MAX_LANES } from '@chatbox/core'
import { LineRate } from '../../common/line-rate.ts'
import { createScript, runScript } from '../client/connection.ts'
import type { RedisContext } from '../client/context.ts'
import { HELD_JOBS, HELD_KEY } from './held-notes.ts'

/** BullMQ's limit for a priority. A line that long without a break ends first come, first served. */
const LAST_ROUND = 2 ** 21 - 1
/** How many lanes a process remembers. The oldest is forgotten first. */
const LANES_SEEN = 1000
/**
 * What was seen of a line says nothing after this time. A visitor who is refused enqueues nothing,
 * so nothing newer would be seen: one question in this time is let through to look.
 */
const SIGHT_MS = 10_000

/**
 * Returns the round of a new job, as `FairLine` counts it: the one after its lane's last, but none
 * that is over. The round of now is the priority of the first waiting job, so nothing has to be
 * written when a job begins. A call that BullMQ will drop, because the session's job waits, takes
 * none; 0 says that it waits in the line, so that adding it may be left out. BullMQ adds a job anew
 * if its own key is gone, so that one does not count as waiting. Also returns how many jobs are
 * served before, how many wait, and how many have ended. What workers hold waits too; of these only
 * its lane's own are before a job.
 *
 * BullMQ's scores are `priority * 2^32 + counter`; its key `pc` counts what was ever added.
 */
const TAKE_TURN = createScript(`${HELD_JOBS}
local waiting, lanes, current, following, active, added, held = unpack(KEYS)
local lane, last_round, max_lanes, job_key = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local span = 4294967296
local first = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
local round = 1
if first[2] then round = math.floor(tonumber(first[2]) / span) end
if not first[2] or redis.call('HLEN', lanes) >= max_lanes then redis.call('DEL', lanes) end
local last = tonumber(redis.call('HGET', lanes, lane) or '0')
local job = redis.call('GET', current)
local waits = job and redis.call('ZSCORE', waiting, job)
  and redis.call('EXISTS', job_key .. job) == 1
local is_new = not job
  or (not waits and redis.call('EXISTS', following) == 0 and redis.call('LPOS', active, job))
if is_new then last = last + 1 end
round = math.min(math.max(round, last), last_round)
if is_new then redis.call('HSET', lanes, lane, round) end
local count = redis.call('ZCARD', waiting)
local ahead = redis.call('ZCOUNT', waiting, '-inf', string.format('(%.0f', (round + 1) * span))
local held_count, held_of_lane = held_jobs(held, ARGV[5])
local ended = tonumber(redis.call('GET', added) or '0') - count - redis.call('LLEN', active)
if waits then round = 0 end
return {round, ahead + held_of_lane, count + held_count, ended}
`)

/**
 * The turns of jobs in BullMQ. Its free edition has no groups, but priorities: a job's round is its
 * priority, and within a round the order is that of the calls.
 */
export class JobTurns {
  readonly #redis: RedisContext
  readonly #toKey: (type: string) => string
  readonly #rate = new LineRate()
  readonly #seen = new Map<string, { ahead: number; at: number }>()

  /** `toKey` returns BullMQ's key of this queue. */
  constructor(redis: RedisContext, toKey: (type: string) => string) {
    this.#redis = redis
    this.#toKey = toKey
  }

  /** Returns the priority of a job, or undefined if the same job waits already. Takes one call. */
  async take(lane: string, deduplicationId: string): Promise<number | undefined> {
    const keys = ['prioritized', 'lanes', `de:${deduplicationId}`, `dn:${deduplicationId}`]
    const answer = await runScript(this.#redis.commands, TAKE_TURN, {
      keys: [...keys, 'active', 'pc', HELD_KEY].map((type) => this.#toKey(type)),
      args: [lane, LAST_ROUND, MAX_LANES, this.#toKey(''), JSON.stringify(lane)],
    })
    const [round = 1, ahead = 0, waiting = 0, served = 0] = toNumbers(answer)
    const now = performance.now()
    this.#rate.note({ waiting, served }, now)
    this.#seen.delete(lane)
    this.#seen.set(lane, { ahead, at: now })
    if (this.#seen.size > LANES_SEEN) this.#forgetOldest()
    return round === 0 ? undefined : round
  }

  expectedWaitMs(lane: string): number {
    const seen = this.#seen.get(lane)
    if (!seen) return 0
    const ageMs = performance.now() - seen.at
    if (ageMs < SIGHT_MS) return this.#rate.waitMs(seen.ahead, ageMs)
    this.#seen.delete(lane)
    return 0
  }

  #forgetOldest(): void {
    const [oldest] = this.#seen.keys()
    if (oldest !== undefined) this.#seen.delete(oldest)
  }
}

function toNumbers(answer: unknown): number[] {
  return Array.isArray(answer) ? answer.map(Number) : []
}
