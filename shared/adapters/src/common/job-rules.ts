import { JOB_KEYS, JOBS, type JobName, type JobPayload } from '@chatbox/contract'
import type { JobHandler, JobHandlers } from '@chatbox/core'
import { z } from 'zod'

/** The retry rules of jobs, in memory and in Redis. */
export const JOB_RULES = {
  attempts: 5,
  backoff: { baseMs: 500, maxMs: 30_000 },
  /** How long to delay a job that only a newer worker can do. */
  newerDelayMs: 5000,
  /**
   * A job that no worker could do for this long is dropped. The store still knows which work is
   * open.
   */
  newerMaxAgeMs: 3_600_000,
} as const

/**
 * Returns the key of a job; two jobs with the same key are duplicates. The key includes the
 * version, because a job that is delayed for a newer worker must not replace one that this worker
 * can do.
 */
export function toJobKey<N extends JobName>(name: N, payload: JobPayload<N>): string {
  return `${name}-${payload.v}-${JOB_KEYS[name](payload)}`
}

const statedLaneSchema = z.object({ lane: z.string().max(64) })

/** Returns whose turn a job takes. Without a lane it is the session's own. */
export function toLane(payload: unknown): string {
  const stated = statedLaneSchema.safeParse(payload)
  return stated.success ? stated.data.lane : `session ${idsOf(payload).sessionId ?? ''}`
}

/** What a worker does with a job from the queue. */
export type JobPlan =
  | { type: 'run'; run: (signal: AbortSignal) => Promise<void> }
  /** The job has a name or version that this process does not know. */
  | { type: 'newer' }
  | { type: 'refused' }

export function planJob(name: string, payload: unknown, handlers: JobHandlers): JobPlan {
  return isJobName(name) ? planKnown<JobName>(name, payload, handlers) : { type: 'newer' }
}

const SCHEMAS: { [N in JobName]: z.ZodType<JobPayload<N>> } = JOBS

function planKnown<N extends JobName>(
  name: N,
  payload: unknown,
  handlers: { [K in N]?: JobHandler<K> },
): JobPlan {
  const parsed = SCHEMAS[name].safeParse(payload)
  if (parsed.success) {
    const known: JobPayload<N> = parsed.data
    const handler = handlers[name]
    return handler ? { type: 'run', run: (signal) => handler(known, signal) } : { type: 'newer' }
  }
  return isOfLaterVersion(name, payload) ? { type: 'newer' } : { type: 'refused' }
}

function isJobName(name: string): name is JobName {
  return Object.hasOwn(JOBS, name)
}

function isOfLaterVersion(name: JobName, payload: unknown): boolean {
  const stated = z.looseObject({ v: z.int() }).safeParse(payload)
  return stated.success && stated.data.v > JOBS[name].shape.v.value
}

/** Returns false if the error says that another try cannot help. */
export function isRetryable(error: unknown): boolean {
  const stated = z.looseObject({ retryable: z.boolean() }).safeParse(error)
  return !stated.success || stated.data.retryable
}

const sessionIdSchema = z.object({ sessionId: z.string().max(64) })

/** Returns the only id of a payload that may be logged. */
export function idsOf(payload: unknown): Record<string, string> {
  const ids = sessionIdSchema.safeParse(payload)
  return ids.success ? ids.data : {}
}
