import { z } from 'zod'
import { idSchema } from '../fields.ts'

/**
 * Every job: ids and a version, never text, because a queue keeps its payloads in the clear.
 * A new field is optional until the jobs of the version before have drained.
 */
export const JOBS = {
  'answer-session': z.object({
    v: z.literal(1),
    sessionId: idSchema,
    requestId: idSchema,
  }),
} as const

export type JobName = keyof typeof JOBS
export type JobPayload<N extends JobName> = z.infer<(typeof JOBS)[N]>

/** Jobs of one key ask for the same work: of these at most one waits, and at most one runs. */
export const JOB_KEYS: { [N in JobName]: (payload: JobPayload<N>) => string } = {
  'answer-session': ({ sessionId }) => sessionId,
}
