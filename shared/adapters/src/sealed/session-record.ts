import { idSchema, keepUnknown, sessionSchema, timeSchema } from '@chatbox/contract'
import {
  AppError,
  type LaterTexts,
  type LogHead,
  type SessionOrigin,
  type SessionState,
} from '@chatbox/core'
import { z } from 'zod'
import { openJson, type RecordDeps, sealJson, toContext } from './key-ring.ts'
import { checkFormat } from './message-record.ts'

/** The state after one entry at rest. `state` contains no texts; they are in `stateSealed`. */
export interface StateRecord {
  seq: number
  state: SessionState
  stateSealed: string
}

/** The origin at rest, with what a later version added, both beside the fields and in `sealed`. */
export interface OriginRecord {
  userId: string
  startedAt: string
  /** The user's name. */
  sealed: string
}

export type StoredState = Record<keyof StateRecord, unknown>

const stateSchema = keepUnknown(
  sessionSchema
    .pick({
      status: true,
      name: true,
      modelId: true,
      lastActivityAt: true,
      endedAt: true,
      messageCount: true,
      help: true,
      assistedBy: true,
      adminAssisted: true,
      usage: true,
    })
    .extend({
      responses: z.object({
        count: z.int().min(0),
        totalMs: z.number().min(0),
        maxMs: z.number().min(0),
      }),
      unanswered: z.int().min(0),
      waitingSince: timeSchema.exactOptional(),
      userTexts: z.int().min(0).exactOptional(),
      leftOpen: idSchema.exactOptional(),
    }),
)
const seqSchema = z.int().min(0)
const textsSchema = z.looseObject({ name: z.string(), note: z.string(), operator: z.string() })
const NO_TEXTS: StateTexts = { name: '', note: '', operator: '' }
const storedOriginSchema = z.looseObject({
  userId: z.string(),
  startedAt: z.string(),
  sealed: z.string(),
})
const originTextSchema = z.looseObject({ userName: z.string() })
const originSchema = sessionSchema.pick({ id: true, userId: true, userName: true, startedAt: true })

interface StateTexts {
  name: string
  note: string
  operator: string
}

export function toStateRecord(deps: RecordDeps, sessionId: string, head: LogHead): StateRecord {
  const { seq } = head
  const { laterTexts, ...state } = head.state
  checkFormat(stateSchema, state)
  const texts = {
    ...laterTexts,
    name: state.name,
    note: state.help?.note ?? '',
    operator: state.assistedBy?.name ?? '',
  }
  const stateSealed = sealJson(deps, texts, toStateContext(sessionId, seq))
  return { seq, state: withTexts(state, NO_TEXTS), stateSealed }
}

/**
 * Returns the stored head. Texts that cannot be decrypted are empty, so that the session continues.
 * Throws `INTERNAL` if the rest is not a valid state.
 */
export function toHead(deps: RecordDeps, sessionId: string, stored: StoredState): LogHead {
  const seq = seqSchema.safeParse(stored.seq)
  const state = stateSchema.safeParse(stored.state)
  if (!seq.success || !state.success) throw refuseSession(deps, sessionId)
  const context = toStateContext(sessionId, seq.data)
  const texts = textsSchema.safeParse(openJson(deps, stored.stateSealed, context))
  if (!texts.success) deps.hooks.onPayloadRefused('session', { sessionId })
  const { name, note, operator, ...later } = texts.data ?? NO_TEXTS
  const known = withTexts(state.data, { name, note, operator })
  return { seq: seq.data, state: { ...known, ...toLaterTexts(later) } }
}

/**
 * Returns the head with a last activity of `notedAt`, if that is later. An activity without an entry
 * is noted beside the head, which only an entry may move.
 */
export function withNotedActivity(head: LogHead, notedAt: unknown): LogHead {
  if (typeof notedAt !== 'string' || notedAt <= head.state.lastActivityAt) return head
  return { ...head, state: { ...head.state, lastActivityAt: notedAt } }
}

export function toOriginRecord(deps: RecordDeps, origin: SessionOrigin): OriginRecord {
  const { id, userName, laterTexts, ...rest } = origin
  const { userId, startedAt } = rest
  checkFormat(originSchema, { id, userId, userName, startedAt })
  const sealed = sealJson(deps, { ...laterTexts, userName }, toContext('session', id))
  return { ...rest, sealed }
}

/** Returns the stored origin. Throws `INTERNAL` if it is not valid. */
export function toOrigin(deps: RecordDeps, sessionId: string, stored: unknown): SessionOrigin {
  const parsed = storedOriginSchema.safeParse(stored)
  if (!parsed.success) throw refuseSession(deps, sessionId)
  const { sealed, ...rest } = parsed.data
  const texts = originTextSchema.safeParse(openJson(deps, sealed, toContext('session', sessionId)))
  if (!texts.success) deps.hooks.onPayloadRefused('session', { sessionId })
  const { userName, ...later } = texts.data ?? { userName: '' }
  return { ...rest, id: sessionId, userName, ...toLaterTexts(later) }
}

function toLaterTexts(later: LaterTexts): { laterTexts?: LaterTexts } {
  return Object.keys(later).length === 0 ? {} : { laterTexts: later }
}

/** Reports an invalid session document and returns the error to throw. */
function refuseSession(deps: RecordDeps, sessionId: string): AppError {
  deps.hooks.onPayloadRefused('session', { sessionId })
  return new AppError('INTERNAL', 'This session cannot be read.', { retryable: false })
}

/** Converts each with `read`. Omits a session that `read` refuses and returns the others. */
export function readEach<T, R>(stored: readonly T[], read: (one: T) => R): R[] {
  return stored.flatMap((one) => {
    try {
      return [read(one)]
    } catch (error) {
      skipRefused(error)
      return []
    }
  })
}

/** Throws `error` unless `refuseSession` created it. */
export function skipRefused(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'INTERNAL') return undefined
  throw error
}

/**
 * Returns a key that is unique among all sessions, so that a user has at most one active session.
 */
export function toActiveKey(session: { id: string; userId: string }, state: SessionState): string {
  return state.status === 'active' ? toUserKey(session.userId) : `ended:${session.id}`
}

export function toUserKey(userId: string): string {
  return `user:${userId}`
}

function withTexts(state: SessionState, texts: StateTexts): SessionState {
  const { help, assistedBy } = state
  return {
    ...state,
    name: texts.name,
    help: help && { ...help, note: texts.note },
    assistedBy: assistedBy && { ...assistedBy, name: texts.operator },
  }
}

function toStateContext(sessionId: string, seq: number): string {
  return toContext('state', sessionId, `${seq}`)
}

/** The last session of a page. The next page begins after it. */
export interface SessionCursor {
  lastActivityAt: string
  id: string
}

const MAX_CURSOR_LENGTH = 256
const cursorSchema = z.tuple([z.iso.datetime(), z.string().regex(/^[\w.~-]{1,64}$/u)])

export function toCursor({ lastActivityAt, id }: SessionCursor): string {
  return Buffer.from(JSON.stringify([lastActivityAt, id])).toString('base64url')
}

/** Throws `INVALID_FORMAT` for a text that `toCursor` does not write. */
export function parseCursor(cursor: string): SessionCursor {
  const fields = cursorSchema.safeParse(decode(cursor))
  if (fields.success) {
    const [lastActivityAt, id] = fields.data
    if (toCursor({ lastActivityAt, id }) === cursor) return { lastActivityAt, id }
  }
  throw new AppError('INVALID_FORMAT', 'The field cursor was not issued by this server.')
}

function decode(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_LENGTH) return undefined
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}
