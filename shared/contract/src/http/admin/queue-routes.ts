import { z } from 'zod'
import { LIMITS, idSchema, timeSchema } from '../../fields.ts'
import { limitQuery, plain } from '../route-inputs.ts'

/** What a job may be asked for: `waiting` includes those that a worker holds. */
export const JOB_STATES = ['waiting', 'active', 'delayed', 'failed'] as const

const count = z.int().min(0)
/** The code of the error that ended a job. */
const failureClass = z.string().regex(/^[A-Z_]{1,40}$/, 'is not a code')
const named = z.strictObject({ name: idSchema })
const cursor = z.string().min(1).max(LIMITS.cursorLength)

export const queueSchema = z.object({
  name: z.string(),
  waiting: count,
  active: count,
  delayed: count,
  failed: count,
  oldestWaitingMs: count,
  /** Jobs that ended since the gateway that answers was last asked; null the first time. */
  endedPerMinute: z.number().min(0).nullable(),
  /** Among the latest failed jobs, by the code of their error. */
  failedByClass: z.record(z.string(), count),
  paused: z.boolean(),
})

/** The routes of the queues, which show ids and no words. */
export const QUEUE_ROUTES = {
  listQueues: {
    ...plain,
    method: 'get',
    path: '/admin/queues',
    summary: 'The queues with their depth, age and failures',
    who: 'admin',
    cost: 'read',
    audit: 'minute',
    kind: 'json',
    response: z.object({ items: z.array(queueSchema), nextCursor: z.null() }),
  },
  listJobs: {
    ...plain,
    method: 'get',
    path: '/admin/queues/:name/jobs',
    summary: 'The jobs of a queue in one state',
    who: 'admin',
    cost: 'read',
    audit: 'minute',
    params: named,
    query: z.strictObject({
      state: z.enum(JOB_STATES).optional(),
      class: failureClass.optional(),
      after: cursor.optional(),
      limit: limitQuery,
    }),
    errors: ['NOT_FOUND'],
    kind: 'json',
    response: z.object({
      items: z.array(
        z.object({
          id: z.string(),
          name: z.string(),
          sessionId: z.string().nullable(),
          attempts: count,
          enqueuedAt: timeSchema,
          failedAt: timeSchema.nullable(),
          class: z.string().nullable(),
        }),
      ),
      nextCursor: cursor.nullable(),
    }),
  },
  retryJobs: {
    ...plain,
    method: 'post',
    path: '/admin/queues/:name/retry',
    summary: 'Retries failed jobs: one, a class, or all; a part of them, until `next` is null',
    who: 'admin',
    cost: 'write',
    audit: 'each',
    params: named,
    body: z
      .strictObject({
        jobId: z.string().min(1).max(200).optional(),
        class: failureClass.optional(),
        after: cursor.optional(),
      })
      .refine(
        ({ jobId, class: ofClass }) => jobId === undefined || ofClass === undefined,
        'takes a job or a class, not both',
      ),
    errors: ['NOT_FOUND'],
    kind: 'json',
    response: z.object({ retried: count, next: cursor.nullable() }),
  },
  pauseQueue: {
    ...plain,
    method: 'post',
    path: '/admin/queues/:name/pause',
    summary: 'Lets no more jobs begin, or lets them begin again; idempotent',
    who: 'admin',
    cost: 'write',
    audit: 'each',
    params: named,
    body: z.strictObject({ paused: z.boolean() }),
    errors: ['NOT_FOUND'],
    kind: 'json',
    response: z.object({ paused: z.boolean() }),
  },
} as const
