import { AppError, within } from '@chatbox/core'

/** The part of a contract schema that `parseInput` uses. */
export interface InputSchema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: InputFault }
}

interface InputFault {
  issues: readonly { path: readonly PropertyKey[]; message: string; keys?: unknown }[]
}

const MAX_TEXT_LENGTH = 200
/** Less than the promised 3 s, to leave time for the network. */
export const ANSWER_TIMEOUT_MS = 2700

/** Parses `value` with the schema. Throws `INVALID_FORMAT`, naming the first wrong field. */
export function parseInput<T>(schema: InputSchema<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new AppError('INVALID_FORMAT', toFaultText(parsed.error))
}

function toFaultText({ issues }: InputFault): string {
  const issue = issues[0]
  if (!issue) return 'The input is invalid.'
  if (Array.isArray(issue.keys)) return `Unknown field ${quoteName(issue.keys[0])}.`
  const field = issue.path.length === 0 ? 'The payload' : `Field ${quoteName(issue.path.join('.'))}`
  return `${field}: ${issue.message}`.slice(0, MAX_TEXT_LENGTH)
}

/** Quotes plain names only, because a field's name may be any text of the caller. */
function quoteName(name: unknown): string {
  return typeof name === 'string' && /^[\w.-]{1,64}$/u.test(name) ? `"${name}"` : '(unprintable)'
}

/**
 * Waits for `answer`, or throws `UNAVAILABLE` when it takes longer than 3 s. Each port call has its
 * own time limit, but one event makes several calls. Work that has begun is not undone: a client
 * that repeats the event gets the result of the first try.
 */
export async function answerInTime<T>(answer: Promise<T>): Promise<T> {
  const late = () => new AppError('UNAVAILABLE', 'This takes too long now.')
  return within(ANSWER_TIMEOUT_MS, answer, late)
}
