import { backoffMs, LlmError } from '@chatbox/core'
import type { Context } from '../context.ts'
import type { ReplyText } from './reply-text.ts'
import type { Attempt } from './stream-attempt.ts'

/** Returns the pause before the next attempt, or undefined if there is none. */
export function pauseBeforeRetry(
  { clock, timing }: Context,
  { error, text }: Attempt,
  { tries, leftMs }: { tries: number; leftMs: number },
): number | undefined {
  if (!(error instanceof LlmError) || !mayHelp(error, text)) return undefined
  if (tries >= timing.maxTries) return undefined
  const askedMs = error.retryAfterMs ?? 0
  const pauseMs = Math.max(
    askedMs,
    backoffMs(tries, timing.providerBackoff, () => clock.random()),
  )
  return askedMs <= timing.maxRetryAfterMs && pauseMs < leftMs ? pauseMs : undefined
}

/** Returns whether another attempt may end better than the one with this error and text. */
function mayHelp(error: LlmError, { text }: ReplyText): boolean {
  // The provider has worked on the question and would take as long again, or the question could not
  // wait for the provider's limit.
  if (error.code === 'LLM_TIMEOUT' || error.isLimit) return false
  // A reply that was cut has already shown text. A whole new reply would cost more than it gains.
  return error.retryable && (error.code !== 'LLM_TRUNCATED' || text === '')
}
