import { LlmError } from '@chatbox/core'
import type { LlmTimeouts } from './llm-limits.ts'

/**
 * The bounds of one reply's time, as a signal to run the request under. The clock for the next sign
 * of an answer runs only between `resume` and `pause`, so that a slow reader of the reply is not
 * taken for a slow provider; the clock for the whole always runs.
 */
export interface Deadline {
  signal: AbortSignal
  /** An answer is being waited for. */
  resume(): void
  pause(): void
  /** The answer has shown itself: from now on the idle bound counts. */
  begun(): void
  /** Ends all clocks and lets go of the caller's signal. */
  stop(): void
}

export function startDeadline(caller: AbortSignal, timeouts: LlmTimeouts): Deadline {
  const controller = new AbortController()
  const onAbort = (): void => {
    controller.abort(caller.reason)
  }
  const expire = (what: string, boundMs: number): void => {
    controller.abort(
      new LlmError('LLM_TIMEOUT', `${what} within ${boundMs} ms`, { retryable: true }),
    )
  }
  const total = setTimeout(expire, timeouts.totalMs, 'no end of the reply', timeouts.totalMs)
  let sign: NodeJS.Timeout | undefined
  let hasBegun = false
  if (caller.aborted) onAbort()
  else caller.addEventListener('abort', onAbort, { once: true })
  const pause = (): void => {
    clearTimeout(sign)
  }
  return {
    signal: controller.signal,
    pause,
    resume: () => {
      clearTimeout(sign)
      const boundMs = hasBegun ? timeouts.idleMs : timeouts.firstTokenMs
      sign = setTimeout(expire, boundMs, hasBegun ? 'no next token' : 'no first token', boundMs)
    },
    begun: () => {
      hasBegun = true
    },
    stop: () => {
      clearTimeout(total)
      clearTimeout(sign)
      caller.removeEventListener('abort', onAbort)
    },
  }
}
