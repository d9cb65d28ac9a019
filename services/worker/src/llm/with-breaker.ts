import { LlmError, type Llm } from '@chatbox/core'
import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel'
import { watchReplies, type ReplyWatcher } from './watch-replies.ts'

export interface BreakerOptions {
  /** For how long nothing is asked once the breaker is open. */
  openMs: number
  onOpen: (open: boolean) => void
}

/** Failures of the kind that may pass, in a row, that open a breaker. */
const FAILURES = 5
/** The two ways in which a call that is no success ends, as the policy is told of them. */
const FAILED = new Error('counts as a failure')
const UNDECIDED = new Error('says nothing about the provider')

/**
 * Spares a provider that fails again and again: once open, calls fail at once with
 * `LLM_UNAVAILABLE` and the time that is left. Then one call is let through, and the first text of
 * its reply closes the breaker again.
 */
export function withBreaker(llm: Llm, options: BreakerOptions): Llm {
  const policy = circuitBreaker(
    handleWhen((error) => error === FAILED),
    { breaker: new ConsecutiveBreaker(FAILURES), halfOpenAfter: options.openMs },
  )
  let openUntil = 0
  policy.onBreak(() => {
    openUntil = Date.now() + options.openMs
    options.onOpen(true)
  })
  policy.onReset(() => {
    options.onOpen(false)
  })
  return watchReplies(llm, () => {
    const call = enter(policy)
    if (!call) throw refuse(Math.max(openUntil - Date.now(), 0))
    return judge(call)
  })
}

interface Call {
  isProbe: boolean
  /** Both resolve once the policy has counted it; the first one is what counts. */
  succeed(): Promise<void>
  fail(error: Error): Promise<void>
}

/** A place in the policy's count, undefined while calls are refused. */
function enter(policy: CircuitBreakerPolicy): Call | undefined {
  // A half-open policy keeps further calls until its probe is decided: these are refused long before.
  if (policy.state === CircuitState.HalfOpen) return undefined
  const isProbe = policy.state === CircuitState.Open
  const entered: Call[] = []
  const counted = policy
    // The policy sees only how the call ended: a stream is not a promise.
    .execute(() => {
      const outcome = Promise.withResolvers<undefined>()
      entered.push({
        isProbe,
        succeed() {
          outcome.resolve(undefined)
          return counted
        },
        fail(error) {
          outcome.reject(error)
          return counted
        },
      })
      return outcome.promise
    })
    .then(nothing, nothing)
  return entered[0]
}

function nothing(): void {
  // Whoever reads the reply is told of it by the reply.
}

function judge(call: Call): ReplyWatcher {
  return {
    onChunk(chunk) {
      const decides = chunk.type === 'end' || (call.isProbe && chunk.type === 'text')
      return decides ? call.succeed() : undefined
    },
    onEnd(thrown) {
      // A probe that is given up before its first text leaves the provider as doubtful as it was.
      const otherwise = call.isProbe ? FAILED : UNDECIDED
      if (!(thrown instanceof LlmError)) return call.fail(otherwise)
      return call.fail(thrown.retryable ? FAILED : UNDECIDED)
    },
  }
}

function refuse(retryAfterMs: number): LlmError {
  return new LlmError('LLM_UNAVAILABLE', 'not asked: too many failures in a row', {
    retryable: true,
    retryAfterMs,
  })
}
