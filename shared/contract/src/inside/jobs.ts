import { z } from 'zod'
import { idSchema } from '../fields.ts'

/**
 * The payload of every job: ids and a version, never text, because a queue stores its payloads in
 * the clear. A new field is optional until the jobs of the previous version have been processed.
 */
export const JOBS = {
  'answer-session': z.object({
    v: z.literal(1),
    sessionId: idSchema,
    requestId: idSchema,
    /**
     * Whose turn the job takes (see `JobQueue`). A job of an older version has none, and an unusable
     * one is left out, because the job matters more than its turn.
     */
    lane: idSchema.optional().catch(undefined),
  }),
  /** Of an alert about a session. Others are found by the sweep. */
  'deliver-alert': z.object({
    v: z.literal(1),
    alertId: idSchema,
    sessionId: idSchema,
    requestId: idSchema,
  }),
} as const

export type JobName = keyof typeof JOBS
export type JobPayload<N extends JobName> = z.infer<(typeof JOBS)[N]>

/**
 * The key of each job. Jobs with the same key ask for the same work: at most one waits, and at most
 * one runs.
 */
export const JOB_KEYS: { [N in JobName]: (payload: JobPayload<N>) => string } = {
  'answer-session': ({ sessionId }) => sessionId,
  'deliver-alert': ({ alertId }) => alertId,
}
