import { LlmError } from '@chatbox/core'
import type { LlmTimeouts } from '../llm-limits.ts'

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
  const sign = startSignClock(timeouts, expire)
  if (caller.aborted) onAbort()
  else caller.addEventListener('abort', onAbort, { once: true })
  return {
    ...sign,
    signal: controller.signal,
    stop: () => {
      clearTimeout(total)
      sign.stop()
      caller.removeEventListener('abort', onAbort)
    },
  }
}

/**
 * One timer for all tokens: `resume` and `pause` only note the time, and when the timer fires it is
 * set again for what is left.
 */
function startSignClock(
  { firstTokenMs, idleMs }: LlmTimeouts,
  expire: (what: string, boundMs: number) => void,
): Pick<Deadline, 'resume' | 'pause' | 'begun' | 'stop'> {
  let hasBegun = false
  let waitingSince: number | undefined
  let timer: NodeJS.Timeout
  const boundMs = (): number => (hasBegun ? idleMs : firstTokenMs)
  const check = (): void => {
    const waitedMs = waitingSince === undefined ? 0 : performance.now() - waitingSince
    const leftMs = boundMs() - waitedMs
    if (leftMs > 0) timer = setTimeout(check, leftMs)
    else expire(hasBegun ? 'no next token' : 'no first token', boundMs())
  }
  timer = setTimeout(check, firstTokenMs)
  return {
    resume: () => {
      waitingSince = performance.now()
    },
    pause: () => {
      waitingSince = undefined
    },
    begun: () => {
      if (hasBegun) return
      hasBegun = true
      // The bound is another one now, and may end before the timer would have looked.
      clearTimeout(timer)
      timer = setTimeout(check, idleMs)
    },
    stop: () => {
      clearTimeout(timer)
    },
  }
}
