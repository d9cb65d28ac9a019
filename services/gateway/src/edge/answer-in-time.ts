import { AppError, within } from '@chatbox/core'

/** Below the 3 s after which a caller is promised to know: the rest is for the way there and back. */
const ANSWER_TIMEOUT_MS = 2700

/**
 * What `answer` comes to, or `UNAVAILABLE` when that takes longer than 3 s. Each call of a port has a
 * bound of its own, but one event makes several of them. What was begun is not undone: whoever sends
 * the same event again gets the answer that this one would have had.
 */
export async function answerInTime<T>(answer: Promise<T>): Promise<T> {
  const late = () => new AppError('UNAVAILABLE', 'This takes too long now.')
  return within(ANSWER_TIMEOUT_MS, answer, late)
}
