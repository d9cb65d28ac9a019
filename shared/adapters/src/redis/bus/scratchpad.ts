import type { Draft } from '@chatbox/core'
import type { ReplyDelta } from '@chatbox/contract'
import { toContext, type Cipher } from '../../sealed/key-ring.ts'
import { PAD_LIMITS } from '../../common/pad-limits.ts'
import type { RedisClient } from '../client/connection.ts'
import type { RedisKeys } from '../client/keys.ts'
import { createScript, runScript } from '../client/script.ts'

/**
 * The text of replies that are being written, one pad each: a hash with the attempt, the next index
 * and the size, and a list of sealed chunks. A chunk is a delta, or a snapshot of everything up to
 * its index. A pad that outgrows its limits is first folded into one snapshot; where that is still
 * too large the pad is marked full, keeps nothing, and reads as undefined: viewers who join late
 * wait for the finished message.
 */
export interface Scratchpad {
  /** Appends and publishes in one step. */
  append(delta: ReplyDelta, channel: string, payload: string): Promise<Appended>
  /** Replaces what is on the pad by the whole text up to `delta`. */
  fold(delta: ReplyDelta, textSoFar: string): Promise<void>
  read(sessionId: string, replyId: string): Promise<Draft | undefined>
  drop(replyId: string): Promise<void>
}

/** `unfit`: published, but the pad lacks what came before, or has no room: it wants a snapshot. */
type Appended = 'appended' | 'fenced' | 'unfit'

/** How many deltas a pad's time is renewed after: each command costs an append a fifth. */
const RENEW_EVERY = 64

/**
 * The next index, the size and the state of the attempt's pad, which is begun where it is a new one;
 * nothing where the pad belongs to a later attempt, or to this one and is dropped.
 */
const FENCE = `
local function fence(attempt, ttl)
  local pad = redis.call('HMGET', KEYS[1], 'attempt', 'next', 'bytes', 'state')
  local current = tonumber(pad[1] or '0')
  if current > attempt or (current == attempt and pad[4] == 'dropped') then return nil end
  if current == attempt then return tonumber(pad[2]), tonumber(pad[3]), pad[4] end
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'attempt', attempt, 'next', 0, 'bytes', 0, 'state', 'open')
  redis.call('PEXPIRE', KEYS[1], ttl)
  return 0, 0, 'open'
end
`

const APPEND = createScript(`${FENCE}
local attempt, index, chunk = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local channel, payload, ttl = ARGV[4], ARGV[5], ARGV[6]
local max_chunks, max_bytes = tonumber(ARGV[7]), tonumber(ARGV[8])
local next, bytes, state = fence(attempt, ttl)
if not next then return 'fenced' end
redis.call('PUBLISH', channel, payload)
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
local pad = redis.call('HMGET', KEYS[1], 'attempt', 'next', 'state')
if not pad[1] or pad[3] ~= 'open' then return {} end
return {pad[1], pad[2], unpack(redis.call('LRANGE', KEYS[2], 0, -1))}
`)

/** The attempt stays for the rest of the pad's time: it goes on fencing late writers. */
const DROP = createScript(`
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'state', 'dropped', 'bytes', 0)
end
return 1
`)

export function createScratchpad(client: RedisClient, keys: RedisKeys, cipher: Cipher): Scratchpad {
  const keysOf = (replyId: string): string[] => [keys.pad(replyId), keys.chunks(replyId)]

  return {
    async append(delta, channel, payload) {
      const { attempt, index, replyId } = delta
      const chunk = sealChunk(cipher, 'delta', delta)
      const { ttlMs, chunks, bytes } = PAD_LIMITS
      const answer = await runScript(client, APPEND, {
        keys: keysOf(replyId),
        args: [attempt, index, chunk, channel, payload, ttlMs, chunks, bytes],
      })
      return answer === 'fenced' || answer === 'unfit' ? answer : 'appended'
    },
    async fold(delta, textSoFar) {
      const { attempt, index, replyId } = delta
      const chunk = sealChunk(cipher, 'snapshot', { ...delta, text: textSoFar })
      const { ttlMs, bytes } = PAD_LIMITS
      await runScript(client, FOLD, {
        keys: keysOf(replyId),
        args: [attempt, index, chunk, ttlMs, bytes],
      })
    },
    async read(sessionId, replyId) {
      const answer = await runScript(client, READ, { keys: keysOf(replyId), args: [] })
      if (!isTextList(answer)) return undefined
      const [attempt, next, ...chunks] = answer
      if (attempt === undefined || next === undefined) return undefined
      const place = { sessionId, replyId, attempt: Number(attempt) }
      const text = openChunks(cipher, place, chunks)
      return text?.next === Number(next)
        ? { attempt: place.attempt, index: text.next, text: text.joined }
        : undefined
    },
    async drop(replyId) {
      await runScript(client, DROP, { keys: keysOf(replyId), args: [] })
    },
  }
}

type Place = Pick<ReplyDelta, 'sessionId' | 'replyId' | 'attempt'>
type ChunkKind = 'delta' | 'snapshot'

/** `KIND:INDEX:SEALED`; kind and index are bound to the text, so chunks cannot be rearranged. */
function sealChunk(cipher: Cipher, kind: ChunkKind, delta: ReplyDelta): string {
  const sealed = cipher.seal(delta.text, chunkContext(kind, delta.index, delta))
  return `${kind}:${delta.index}:${sealed}`
}

function openChunks(
  cipher: Cipher,
  place: Place,
  chunks: string[],
): { joined: string; next: number } | undefined {
  let joined = ''
  let next = 0
  for (const chunk of chunks) {
    const [, kind, digits, sealed] = /^(delta|snapshot):(\d{1,9}):(.*)$/s.exec(chunk) ?? []
    const index = Number(digits)
    if (sealed === undefined || (kind !== 'delta' && kind !== 'snapshot')) return undefined
    const starts = kind === 'snapshot' && next === 0
    if (!starts && index !== next) return undefined
    joined += cipher.open(sealed, chunkContext(kind, index, place))
    next = index + 1
  }
  return { joined, next }
}

function chunkContext(kind: ChunkKind, index: number, place: Place): string {
  const { sessionId, replyId, attempt } = place
  return toContext(`draft-${kind}`, sessionId, replyId, String(attempt), String(index))
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
