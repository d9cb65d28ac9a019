import { z } from 'zod'
import { sessionSchema } from '../../entities.ts'
import { openEnum } from '../../inside/later-versions.ts'
import { LIMITS, idSchema, seqSchema, text, timeSchema } from '../../fields.ts'
import { deskSchema, PRIORITIES, tagSchema } from './desk-events.ts'

/**
 * - `help`: the user has asked for a person and nobody has come
 * - `mine`: the caller has the session, or it is assigned to the caller
 * - `unassigned`: a person is wanted or has been there, nobody has the session, and it is assigned
 *   to nobody
 * - `assistant`: nobody has the session and nobody has asked for a person
 * - `snoozed`: put off until a time to come; until then it is in no other view
 * - `ended`: over
 */
export const INBOX_VIEWS = ['help', 'mine', 'unassigned', 'assistant', 'snoozed', 'ended'] as const
export type InboxView = (typeof INBOX_VIEWS)[number]

const countSchema = z.int().min(0)
/** The number of sessions in each view. `ended` stops at 10,000, which means that or more. */
export const inboxCountsSchema = z.object({
  help: countSchema,
  mine: countSchema,
  unassigned: countSchema,
  assistant: countSchema,
  snoozed: countSchema,
  ended: countSchema,
})
export type InboxCounts = z.infer<typeof inboxCountsSchema>

/** A session as one operator sees it in a list. */
export const inboxRowSchema = z.object({
  session: sessionSchema,
  /** Those that hold it for the caller at `changedAt` or later. */
  views: z.array(openEnum(INBOX_VIEWS, 'ended')),
  /** Rows of active sessions sort by it, compared as text; also an `after` of `inbox:list`. */
  key: z.string(),
  /** Since when the user waits for a word of a person. */
  waitingSince: timeSchema.nullable(),
  desk: deskSchema,
  /**
   * The user's messages that this operator has not read. 0 for a session that the operator neither
   * has nor is assigned to, and has read in neither role.
   */
  unread: countSchema,
  /** By the store's clock. */
  changedAt: timeSchema,
})
export type InboxRow = z.infer<typeof inboxRowSchema>

export const inboxCursorSchema = z.string().min(1).max(LIMITS.cursorLength)
const rowsSchema = z.array(inboxRowSchema)

export const INBOX_CLIENT_EVENTS = {
  /**
   * From now on the caller gets `inbox:changed`. With the last `cursor` that it got, the answer has
   * the rows that have changed since, in any order. `isTooOld` instead means that the lists have to
   * be read anew.
   */
  'inbox:subscribe': {
    payload: z.strictObject({ cursor: inboxCursorSchema.optional() }),
    data: z.object({
      counts: inboxCountsSchema,
      cursor: inboxCursorSchema,
      rows: rowsSchema,
      isTooOld: z.boolean(),
      /** True if there are more active sessions than a gateway keeps in memory. */
      isPartial: z.boolean(),
    }),
    who: 'operator',
    cost: 'read',
    audit: 'minute',
  },
  /**
   * The longest waiting first, then the latest activity; of `ended` the latest activity. A page may
   * be short, or empty, although `next` leads to more.
   */
  'inbox:list': {
    payload: z.strictObject({
      view: z.enum(INBOX_VIEWS),
      tag: tagSchema.optional(),
      priority: z.enum(PRIORITIES).optional(),
      /** A part of the session's name, of the user's name or id, or the session's whole id. */
      text: text(1, LIMITS.nameLength).optional(),
      after: inboxCursorSchema.optional(),
      limit: z.int().min(1).max(LIMITS.historyPage).optional(),
    }),
    data: z.object({
      rows: rowsSchema,
      next: inboxCursorSchema.nullable(),
      counts: inboxCountsSchema,
    }),
    who: 'operator',
    cost: 'read',
    audit: 'minute',
  },
  /** Never moves back. Changes nothing for a session in which the caller has no part. */
  'inbox:read': {
    payload: z.strictObject({ sessionId: idSchema, seq: seqSchema }),
    data: z.object({}),
    who: 'operator',
    cost: 'signal',
    audit: 'minute',
  },
} as const

export const INBOX_SERVER_EVENTS = {
  'inbox:changed': z.object({
    rows: rowsSchema,
    counts: inboxCountsSchema,
    cursor: inboxCursorSchema,
  }),
} as const
