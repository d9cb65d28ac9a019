import type { Failure } from '@chatbox/client'
import type { Message } from '@chatbox/contract'
import { isSameDay, strings, toTime } from './strings.ts'

/** Returns why something was refused. For a used up budget, says in local time when it goes on. */
export function toFailureText({ code, message, until }: Failure, now: Date): string {
  if (code !== 'BUDGET_EXCEEDED' || until === undefined) return message
  const end = new Date(until)
  if (end <= now) return strings.limitOver
  // A budget is for a day in UTC, so it ends today or tomorrow wherever the reader is.
  const say = isSameDay(end, now) ? strings.limitReached : strings.limitReachedUntilTomorrow
  return say(toTime(until))
}

/** Returns the same for an answer that ended because a budget was used up, else undefined. */
export function toLimitText({ error, createdAt }: Message, now: Date): string | undefined {
  if (error?.code !== 'BUDGET_EXCEEDED') return undefined
  const { code, message, retryAfterMs = 0 } = error
  const until = new Date(Date.parse(createdAt) + retryAfterMs).toISOString()
  return toFailureText({ code, message, until }, now)
}
