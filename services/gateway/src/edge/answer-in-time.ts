import { AppError } from '@chatbox/core'

/** Below the 3 s after which a caller is promised to know: the rest is for the way there and back. */
const ANSWER_TIMEOUT_MS = 2700

/**
 * What `answer` comes to, or `UNAVAILABLE` when that takes longer than 3 s. Each call of a port has a
 * bound of its own, but one event makes several of them. What was begun is not undone: whoever sends
 * the same event again gets the answer that this one would have had.
 */
export async function answerInTime<T>(answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new AppError('UNAVAILABLE', 'This takes too long now.'))
  }, ANSWER_TIMEOUT_MS)
  try {
    return await Promise.race([answer, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
