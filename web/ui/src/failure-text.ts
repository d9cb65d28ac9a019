import type { Failure } from '@chatbox/client'
import type { Message } from '@chatbox/contract'
import { strings, toTime } from './strings.ts'

/** Returns why something was refused. For a used up budget, says in local time when it goes on. */
export function toFailureText({ code, message, until }: Failure, now: Date): string {
  if (code !== 'BUDGET_EXCEEDED' || until === undefined) return message
  return Date.parse(until) > now.getTime() ? strings.limitReached(toTime(until)) : strings.limitOver
}

/** Returns the same for an answer that ended because a budget was used up, else undefined. */
export function toLimitText({ error, createdAt }: Message, now: Date): string | undefined {
  if (error?.code !== 'BUDGET_EXCEEDED') return undefined
  const { code, message, retryAfterMs = 0 } = error
  const until = new Date(Date.parse(createdAt) + retryAfterMs).toISOString()
  return toFailureText({ code, message, until }, now)
}
