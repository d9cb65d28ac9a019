import { createScript, runScript } from '../client/connection.ts'
import type { RedisContext } from '../client/context.ts'

/** Beside BullMQ's own keys: a note of each worker that holds jobs. */
export const HELD_KEY = 'held'

/** The jobs that one worker holds. As JSON, in this order, they are its note. */
export interface Held {
  count: number
  /** The time at which the oldest one was first enqueued, in ms. */
  oldest: number
  lanes: Record<string, number>
}

/** A note says nothing after this time: its worker is dead or cut off. */
const NOTE_MS = 10_000
/** What holds is noted again after this time... */
const REPEAT_MS = 3000
/** ...and what changes after this, so that a rush is one note. */
const GATHER_MS = 200
const COMMAND_TIMEOUT_MS = 500

/**
 * Lua: what all workers hold. `held_jobs(key, lane)` returns how many jobs, how many of the lane, and
 * since when the oldest waits, 0 if none. `lane` is a JSON string. Each question asks this, so a
 * note is searched and not decoded: it may name hundreds of lanes.
 */
export const HELD_JOBS = `
local function held_jobs(key, lane)
  local count, own, oldest = 0, 0, 0
  local notes = redis.call('HVALS', key)
  if #notes == 0 then return count, own, oldest end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  for _, note in ipairs(notes) do
    local ends, held, since = string.match(note, '^(%d+) {"count":(%d+),"oldest":(%d+)')
    if ends and tonumber(ends) > now then
      count = count + tonumber(held)
      local _, last = string.find(note, lane .. ':', 1, true)
      if last then own = own + tonumber(string.match(note, '^%d+', last + 1) or '0') end
      if oldest == 0 or tonumber(since) < oldest then oldest = tonumber(since) end
    end
  end
  return count, own, oldest
end
`

const READ = createScript(`${HELD_JOBS}
local count, own, oldest = held_jobs(KEYS[1], '""')
return {count, oldest}
`)

/** ARGV: the worker, its note or nothing, how long the note lives. */
const WRITE = createScript(`
local worker, json, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
if json == '' then return redis.call('HDEL', KEYS[1], worker) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local notes = redis.call('HGETALL', KEYS[1])
for i = 1, #notes, 2 do
  if tonumber(string.match(notes[i + 1], '^%d+')) <= now then redis.call('HDEL', KEYS[1], notes[i]) end
end
redis.call('HSET', KEYS[1], worker, string.format('%.0f %s', now + ttl, json))
return redis.call('PEXPIRE', KEYS[1], ttl)
`)

/** Returns how many jobs all workers hold, and since when the oldest one waits; 0 if there is none. */
export async function readHeld(
  { commands }: RedisContext,
  key: string,
): Promise<Pick<Held, 'count' | 'oldest'>> {
  const answer = await runScript(commands, READ, { keys: [key], args: [] })
  const [count = 0, oldest = 0] = Array.isArray(answer) ? answer.map(Number) : []
  return { count, oldest }
}

/**
 * Tells all processes which jobs this worker holds. BullMQ counts these as active, but they wait.
 * Nothing is written while none is held, and without Redis nothing is said.
 */
export class HeldNotes {
  readonly #redis: RedisContext
  readonly #key: string
  readonly #worker: string
  readonly #read: () => Held
  #timer: NodeJS.Timeout | undefined
  #isDue = false
  #isStopped = false

  /** `worker` is unique among all workers. */
  constructor(redis: RedisContext, options: { key: string; worker: string; read: () => Held }) {
    this.#redis = redis
    this.#key = options.key
    this.#worker = options.worker
    this.#read = options.read
  }

  changed(): void {
    if (this.#isDue || this.#isStopped) return
    this.#isDue = true
    this.#schedule(GATHER_MS)
  }

  /** Takes the note back. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#write('')
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#note(), inMs)
  }

  async #note(): Promise<void> {
    this.#isDue = false
    const held = this.#read()
    await this.#write(held.count === 0 ? '' : JSON.stringify(held))
    if (held.count > 0) this.#repeat()
  }

  #repeat(): void {
    if (!this.#isDue && !this.#isStopped) this.#schedule(REPEAT_MS)
  }

  async #write(note: string): Promise<void> {
    const call = { keys: [this.#key], args: [this.#worker, note, NOTE_MS] }
    await this.#redis
      .guard(COMMAND_TIMEOUT_MS, () => runScript(this.#redis.commands, WRITE, call))
      .catch(() => undefined)
  }
}
