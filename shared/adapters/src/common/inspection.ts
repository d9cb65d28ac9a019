import { AppError, type SeenJob } from '@chatbox/core'

/** Whose turn retried jobs take, so that however many they are, others wait for one at a time. */
export const RETRY_LANE = 'retried'

/** Returns the class of a failure. Only codes are shown: another text could be anything. */
export function toFailureClass(reason: unknown): string {
  return typeof reason === 'string' && /^[A-Z_]{1,40}$/.test(reason) ? reason : 'UNKNOWN'
}

/** The place of a failed job among the others. */
export interface FailedPlace {
  at: number
  id: string
}

export function toCursor({ at, id }: FailedPlace): string {
  return `${at}.${id}`
}

export function fromCursor(cursor: string): FailedPlace {
  const [, at, id] = /^(\d{1,15})\.(.{1,180})$/s.exec(cursor) ?? []
  if (at === undefined || id === undefined) throw notCursor()
  return { at: Number(at), id }
}

export function toOffset(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  if (!/^\d{1,9}$/.test(cursor)) throw notCursor()
  return Number(cursor)
}

function notCursor(): AppError {
  return new AppError('INVALID_FORMAT', 'This is not a cursor.')
}

export function countClasses(jobs: readonly Pick<SeenJob, 'failed'>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { failed } of jobs) {
    if (failed) counts[failed.class] = (counts[failed.class] ?? 0) + 1
  }
  return counts
}

/** How fast a number grows, from one look to the next. */
export class Growth {
  #last: { value: number; at: number } | undefined

  /** Returns the growth by minute since the last look; undefined the first time. */
  perMinute(value: number): number | undefined {
    const last = this.#last
    const at = performance.now()
    this.#last = { value, at }
    if (!last || at <= last.at) return undefined
    return Math.max(0, value - last.value) / ((at - last.at) / 60_000)
  }
}
