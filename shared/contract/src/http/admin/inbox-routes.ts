import { z } from 'zod'
import { inboxCursorSchema, inboxRowSchema } from '../../events/operators/inbox-events.ts'
import { tagSchema } from '../../events/operators/desk-events.ts'
import { LIMITS, text, timeSchema, userIdSchema } from '../../fields.ts'

const none = z.strictObject({})
const flag = z.enum(['true', 'false'])
const limit = z
  .string()
  .regex(/^\d{1,16}$/, 'is not a number')
  .transform(Number)
  .pipe(z.int().min(1).max(LIMITS.historyPage))

export const INBOX_ROUTES = {
  listAllSessions: {
    params: none,
    body: none,
    errors: [],
    method: 'get',
    path: '/admin/sessions',
    summary: 'The sessions of all users; a page may be short although `next` leads to more',
    who: 'operator',
    cost: 'read',
    audit: 'minute',
    query: z.strictObject({
      /** A part of the session's name, of the user's name or id, or the session's whole id. */
      q: text(1, LIMITS.nameLength).optional(),
      status: z.enum(['active', 'ended']).optional(),
      /** Whether an operator has ever taken the session over. */
      assisted: flag.optional(),
      help: flag.optional(),
      tag: tagSchema.optional(),
      userId: userIdSchema.optional(),
      /** The bounds of the time that the list is sorted by. `to` is not part of it. */
      from: timeSchema.optional(),
      to: timeSchema.optional(),
      sort: z.enum(['lastActivityAt', 'startedAt']).optional(),
      order: z.enum(['asc', 'desc']).optional(),
      after: inboxCursorSchema.optional(),
      limit: limit.optional(),
    }),
    kind: 'json',
    response: z.object({
      rows: z.array(inboxRowSchema),
      next: inboxCursorSchema.nullable(),
    }),
  },
} as const
