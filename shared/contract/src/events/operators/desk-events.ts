import { z } from 'zod'
import { personSchema } from '../../entities.ts'
import {
  contentSchema,
  idSchema,
  LIMITS,
  seqSchema,
  text,
  timeSchema,
  userIdSchema,
} from '../../fields.ts'
import { openEnum } from '../../inside/later-versions.ts'

export const DESK_LIMITS = { tagLength: 40, tags: 20, mentions: 20 } as const

export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const
const prioritySchema = openEnum(PRIORITIES, 'normal')

export const tagSchema = text(1, DESK_LIMITS.tagLength)
const tagsSchema = z.array(tagSchema).max(DESK_LIMITS.tags)
const mentionsSchema = z.array(userIdSchema).max(DESK_LIMITS.mentions)
const textSchema = text(1, LIMITS.contentLength)
/** What became of a draft that the assistant wrote for an operator. */
const OUTCOMES = ['as_is', 'edited', 'dropped'] as const

/** The head of the operators' log of a session. */
export const deskSchema = z.object({
  seq: seqSchema,
  assignee: personSchema.nullable(),
  tags: tagsSchema,
  priority: prioritySchema,
  /** Null once the user has written again. A time that is over means nothing. */
  snoozedUntil: timeSchema.nullable(),
})
export type Desk = z.infer<typeof deskSchema>

/** The desk of a session that no operator has written about. */
export const EMPTY_DESK: Desk = {
  seq: 0,
  assignee: null,
  tags: [],
  priority: 'normal',
  snoozedUntil: null,
}

const knownActionSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('note'), text: textSchema, mentions: mentionsSchema }),
  z.object({ type: z.literal('assigned'), to: personSchema.nullable() }),
  z.object({ type: z.literal('tagged'), tags: tagsSchema }),
  z.object({ type: z.literal('prioritized'), priority: prioritySchema }),
  z.object({ type: z.literal('snoozed'), until: timeSchema.nullable() }),
  z.object({ type: z.literal('summary'), text: textSchema, upToSeq: seqSchema }),
  z.object({ type: z.literal('draft_used'), outcome: openEnum(OUTCOMES, 'edited') }),
  /** An action of a later version, or one that cannot be read. */
  z.object({ type: z.literal('unknown') }),
])
const ACTION_TYPES = new Set<unknown>(
  knownActionSchema.options.map(({ shape }) => shape.type.value),
)

export const deskActionSchema = z.preprocess(hideUnknownAction, knownActionSchema)
export type DeskAction = z.infer<typeof deskActionSchema>

/** What an operator noted or did about a session. No visitor ever sees it. */
export const deskEntrySchema = z.object({
  id: idSchema,
  sessionId: idSchema,
  /** Dense, and the operators' log's own. */
  seq: z.int().min(1),
  by: personSchema,
  at: timeSchema,
  action: deskActionSchema,
})
export type DeskEntry = z.infer<typeof deskEntrySchema>

function hideUnknownAction(action: unknown): unknown {
  if (typeof action !== 'object' || action === null || !('type' in action)) return action
  return typeof action.type !== 'string' || ACTION_TYPES.has(action.type)
    ? action
    : { type: 'unknown' }
}

/** What an operator may append. */
const newActionSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('note'), text: contentSchema, mentions: mentionsSchema }),
  z.strictObject({
    type: z.literal('assigned'),
    to: z.strictObject(personSchema.shape).nullable(),
  }),
  z.strictObject({ type: z.literal('tagged'), tags: tagsSchema }),
  z.strictObject({ type: z.literal('prioritized'), priority: z.enum(PRIORITIES) }),
  z.strictObject({ type: z.literal('snoozed'), until: timeSchema.nullable() }),
  z.strictObject({ type: z.literal('summary'), text: contentSchema, upToSeq: seqSchema }),
  z.strictObject({ type: z.literal('draft_used'), outcome: z.enum(OUTCOMES) }),
])
export type NewDeskAction = z.infer<typeof newActionSchema>

export const DESK_CLIENT_EVENTS = {
  /**
   * From now on the caller gets `desk:new` of this session. `afterSeq` and `hasMore` mean what they
   * mean in `session:open`. `draft` is the caller's own, on whichever page it was written.
   * `knownTags` are those that the site has set.
   */
  'desk:open': {
    payload: z.strictObject({
      sessionId: idSchema,
      afterSeq: seqSchema.optional(),
      limit: z.int().min(1).max(LIMITS.historyPage).optional(),
    }),
    data: z.object({
      desk: deskSchema,
      entries: z.array(deskEntrySchema),
      hasMore: z.boolean(),
      draft: text(0, LIMITS.contentLength),
      knownTags: z.array(tagSchema),
    }),
    who: 'operator',
    cost: 'read',
    audit: 'minute',
  },
  /** The same `clientEntryId` of one operator again answers the first entry and does nothing else. */
  'desk:append': {
    payload: z.strictObject({
      sessionId: idSchema,
      clientEntryId: idSchema,
      action: newActionSchema,
    }),
    data: z.object({ entry: deskEntrySchema, desk: deskSchema }),
    who: 'operator',
    cost: 'write',
    audit: 'each',
  },
  /** Keeps the text that the caller has not sent yet. An empty text deletes it. */
  'desk:draft': {
    payload: z.strictObject({ sessionId: idSchema, text: text(0, LIMITS.contentLength) }),
    data: z.object({}),
    who: 'operator',
    cost: 'write',
    audit: 'minute',
  },
} as const

export const DESK_SERVER_EVENTS = {
  'desk:new': z.object({ entry: deskEntrySchema, desk: deskSchema }),
} as const

/** Returns the room of the operators who follow a session's desk, on every gateway. */
export function deskRoom(sessionId: string): string {
  return `desk:${sessionId}`
}
