import type { ReplyDelta } from '@chatbox/contract'
import { DRAFT_LIMITS, type Draft, type DraftPlace } from '@chatbox/core'
import { createScript, runScript, type Script } from '../client/connection.ts'
import type { RedisContext } from '../client/context.ts'
import { toDeltaOpening, type ChunkPlace, type SealedEvents } from './sealed-events.ts'

/**
 * Renew a draft's expiry after this many deltas. Each command adds a fifth to the cost of an
 * append.
 */
const RENEW_EVERY = 64

/**
 * Returns the next index, the size and the state of the attempt's draft. Begins a draft for a new
 * attempt. Returns nothing if the draft belongs to a later attempt or was dropped.
 */
const FENCE = `
local function fence(attempt, ttl)
  local draft = redis.call('HMGET', KEYS[1], 'attempt', 'next', 'bytes', 'state')
  local current = tonumber(draft[1] or '0')
  if current > attempt or (current == attempt and draft[4] == 'dropped') then return nil end
  if current == attempt then return tonumber(draft[2]), tonumber(draft[3]), draft[4] end
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'attempt', attempt, 'next', 0, 'bytes', 0, 'state', 'open')
  redis.call('PEXPIRE', KEYS[1], ttl)
  return 0, 0, 'open'
end
`

const APPEND = createScript(`${FENCE}
local attempt, index, chunk = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local channel, opening, ttl = ARGV[4], ARGV[5], ARGV[6]
local max_chunks, max_bytes = tonumber(ARGV[7]), tonumber(ARGV[8])
local next, bytes, state = fence(attempt, ttl)
if not next then return 'fenced' end
redis.call('PUBLISH', channel, opening .. chunk)
if state == 'full' or index < next then return 'appended' end
bytes = bytes + #chunk
if index > next or bytes > max_bytes then return 'unfit' end
local chunks = redis.call('RPUSH', KEYS[2], chunk)
-- The list may have been lost alone: a first chunk that is not the first delta says so.
if chunks > max_chunks or (chunks == 1 and index > 0) then
  redis.call('RPOP', KEYS[2])
  return 'unfit'
end
redis.call('HSET', KEYS[1], 'next', index + 1, 'bytes', bytes)
if index % ${RENEW_EVERY} == 0 then
  redis.call('PEXPIRE', KEYS[1], ttl)
  redis.call('PEXPIRE', KEYS[2], ttl)
end
return 'appended'
`)

const FOLD = createScript(`${FENCE}
local attempt, index, chunk = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local ttl, max_bytes = ARGV[4], tonumber(ARGV[5])
local next, _, state = fence(attempt, ttl)
if not next or state == 'full' then return 0 end
if next > index + 1 and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[2])
if #chunk > max_bytes then
  redis.call('HSET', KEYS[1], 'state', 'full', 'bytes', 0)
else
  redis.call('RPUSH', KEYS[2], chunk)
  redis.call('PEXPIRE', KEYS[2], ttl)
  redis.call('HSET', KEYS[1], 'next', index + 1, 'bytes', #chunk)
end
redis.call('PEXPIRE', KEYS[1], ttl)
return 1
`)

const READ = createScript(`
local draft = redis.call('HMGET', KEYS[1], 'attempt', 'next', 'state')
if not draft[1] or draft[3] ~= 'open' then return {} end
return {draft[1], draft[2], unpack(redis.call('LRANGE', KEYS[2], 0, -1))}
`)

/** Keeps the attempt until the draft expires, so that it still fences late writers. */
const DROP = createScript(`
local attempt, ttl = tonumber(ARGV[1]), ARGV[2]
local draft = redis.call('HMGET', KEYS[1], 'attempt', 'next', 'state')
local current = tonumber(draft[1] or '0')
if current > attempt then return {} end
local taken = {}
if draft[3] == 'open' then
  taken = {draft[1], draft[2], unpack(redis.call('LRANGE', KEYS[2], 0, -1))}
end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'attempt', attempt, 'state', 'dropped', 'bytes', 0)
redis.call('PEXPIRE', KEYS[1], ttl)
return taken
`)

/**
 * Stores each reply in progress as a hash with the attempt, the next index and the size, and as a
 * list of sealed chunks. A chunk is a delta, or a snapshot of everything up to its index. A draft
 * over its limits is first folded into one snapshot. If that is still too large, the draft is
 * marked full, is emptied and reads as undefined: viewers who join late wait for the finished
 * message.
 */
export class RedisDrafts {
  readonly #redis: RedisContext
  readonly #sealed: SealedEvents

  constructor(redis: RedisContext, sealed: SealedEvents) {
    this.#redis = redis
    this.#sealed = sealed
  }

  /**
   * Appends and publishes in one step. `unfit` means that the delta was published, but the draft
   * lacks earlier deltas or has no room and needs a snapshot.
   */
  async append(delta: ReplyDelta): Promise<'appended' | 'fenced' | 'unfit'> {
    const { attempt, index } = delta
    const { ttlMs, chunks, bytes } = DRAFT_LIMITS
    const chunk = this.#sealed.sealChunk('delta', delta)
    const channel = this.#redis.keys.sessionChannel(delta.sessionId)
    const args = [attempt, index, chunk, channel, toDeltaOpening(delta), ttlMs, chunks, bytes]
    const answer = await this.#run(APPEND, delta.replyId, args)
    return answer === 'fenced' || answer === 'unfit' ? answer : 'appended'
  }

  /** Replaces the draft with the whole text up to `delta`. */
  async fold(delta: ReplyDelta, textSoFar: string): Promise<void> {
    const { attempt, index, replyId } = delta
    const { ttlMs, bytes } = DRAFT_LIMITS
    const chunk = this.#sealed.sealChunk('snapshot', { ...delta, text: textSoFar })
    await this.#run(FOLD, replyId, [attempt, index, chunk, ttlMs, bytes])
  }

  async read(sessionId: string, replyId: string): Promise<Draft | undefined> {
    return this.#toDraft({ sessionId, replyId }, await this.#run(READ, replyId))
  }

  async drop(place: DraftPlace): Promise<void> {
    await this.#drop(place)
  }

  async take(place: DraftPlace): Promise<Draft | undefined> {
    return this.#toDraft(place, await this.#drop(place))
  }

  #drop({ replyId, attempt }: DraftPlace): Promise<unknown> {
    return this.#run(DROP, replyId, [attempt, DRAFT_LIMITS.ttlMs])
  }

  #toDraft(
    { sessionId, replyId }: Omit<DraftPlace, 'attempt'>,
    answer: unknown,
  ): Draft | undefined {
    if (!isTextList(answer)) return undefined
    const [attempt, next, ...chunks] = answer
    if (attempt === undefined || next === undefined) return undefined
    const place = { sessionId, replyId, attempt: Number(attempt) }
    const draft = openChunks(this.#sealed, place, chunks)
    return draft?.index === Number(next) ? draft : undefined
  }

  #run(script: Script, replyId: string, args: (string | number)[] = []): Promise<unknown> {
    const { commands, keys } = this.#redis
    return runScript(commands, script, { keys: keys.draft(replyId), args })
  }
}

function openChunks(sealed: SealedEvents, place: ChunkPlace, chunks: string[]): Draft | undefined {
  const draft = { attempt: place.attempt, index: 0, text: '' }
  for (const chunk of chunks) {
    const opened = sealed.openChunk(chunk, place)
    if (!opened) return undefined
    const starts = opened.kind === 'snapshot' && draft.index === 0
    if (!starts && opened.index !== draft.index) return undefined
    draft.text += opened.text
    draft.index = opened.index + 1
  }
  return draft
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
