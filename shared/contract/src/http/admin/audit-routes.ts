import { z } from 'zod'
import { openEnum } from '../../inside/later-versions.ts'
import { LIMITS, timeSchema, userIdSchema } from '../../fields.ts'
import { digits, limitQuery, plain } from '../route-inputs.ts'

const seqText = digits.pipe(z.int().min(0))
const headSchema = z.object({ seq: z.int(), hash: z.string() })

const auditEntrySchema = z.object({
  seq: z.int().min(1),
  at: timeSchema,
  actor: z.string(),
  /** The name of an event or of a route, or `audit:trim`. */
  action: z.string(),
  sessionId: z.string().optional(),
  target: z.string().optional(),
  hash: z.string(),
  state: openEnum(['intact', 'changed', 'unknown_key'], 'changed'),
})

const FAULTS = [
  'changed',
  'unknown_key',
  'missing',
  'unlinked',
  'cut_front',
  'cut_tail',
  'replaced',
] as const

/** What operators and admins did and read of others. */
export const AUDIT_ROUTES = {
  listAudit: {
    ...plain,
    method: 'get',
    path: '/admin/audit',
    summary: 'What operators and admins did and read, the latest first',
    who: 'admin',
    cost: 'read',
    audit: 'minute',
    query: z.strictObject({
      actor: userIdSchema.optional(),
      action: z
        .string()
        .regex(/^[A-Za-z]{1,32}(:[A-Za-z]{1,32})?$/)
        .optional(),
      after: seqText.optional(),
      limit: limitQuery,
    }),
    kind: 'json',
    response: z.object({
      items: z.array(auditEntrySchema),
      nextCursor: z.string().max(LIMITS.cursorLength).nullable(),
    }),
  },
  verifyAudit: {
    ...plain,
    method: 'get',
    path: '/admin/audit/verify',
    summary: 'Checks a part of the audit log, and whether a head from elsewhere is in it',
    who: 'admin',
    cost: 'read',
    audit: 'minute',
    query: z.strictObject({
      after: seqText.optional(),
      head: z
        .string()
        .regex(/^\d{1,15}\.[\w-]{43}$/, 'is not `seq.hash`')
        .optional(),
    }),
    kind: 'json',
    response: z.object({
      faults: z.array(z.object({ seq: z.int(), fault: openEnum(FAULTS, 'changed') })),
      checked: z.int().min(0),
      head: headSchema.nullable(),
      next: z.int().nullable(),
    }),
  },
} as const
