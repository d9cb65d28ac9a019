import { AppError, within } from '@chatbox/core'

/** What this needs of a schema of the contract. */
export interface InputSchema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: InputFault }
}

interface InputFault {
  issues: readonly { path: readonly PropertyKey[]; message: string; keys?: unknown }[]
}

const MAX_TEXT_LENGTH = 200
/** Below the 3 s after which a caller is promised to know: the rest is for the way there and back. */
const ANSWER_TIMEOUT_MS = 2700

/** `value` as the schema allows it; else `INVALID_FORMAT`, which names the first wrong field. */
export function parseInput<T>(schema: InputSchema<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new AppError('INVALID_FORMAT', toFaultText(parsed.error))
}

function toFaultText({ issues }: InputFault): string {
  const issue = issues[0]
  if (!issue) return 'This is not what was expected.'
  if (Array.isArray(issue.keys)) return `Unknown field ${quoteName(issue.keys[0])}.`
  const field = issue.path.length === 0 ? 'The payload' : `Field ${quoteName(issue.path.join('.'))}`
  return `${field}: ${issue.message}`.slice(0, MAX_TEXT_LENGTH)
}

/** A field's name may be the caller's own text: only what looks like a name is repeated. */
function quoteName(name: unknown): string {
  return typeof name === 'string' && /^[\w.-]{1,64}$/u.test(name) ? `"${name}"` : '(unprintable)'
}

/**
 * What `answer` comes to, or `UNAVAILABLE` when that takes longer than 3 s. Each call of a port has a
 * bound of its own, but one event makes several of them. What was begun is not undone: whoever sends
 * the same event again gets the answer that this one would have had.
 */
export async function answerInTime<T>(answer: Promise<T>): Promise<T> {
  const late = () => new AppError('UNAVAILABLE', 'This takes too long now.')
  return within(ANSWER_TIMEOUT_MS, answer, late)
}
