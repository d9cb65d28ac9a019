import { LlmError, type Llm, type LlmChunk } from '@chatbox/core'
import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel'

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
  return {
    async *streamReply(request, signal) {
      const call = enter(policy)
      if (!call) throw refuse(Math.max(openUntil - Date.now(), 0))
      yield* watch(llm.streamReply(request, signal), call)
    },
  }
}

interface Call {
  isProbe: boolean
  succeed(): void
  fail(error: Error): void
}

/** A place in the policy's count, undefined while calls are refused. */
function enter(policy: CircuitBreakerPolicy): Call | undefined {
  // A half-open policy keeps further calls until its probe is decided: these are refused long before.
  if (policy.state === CircuitState.HalfOpen) return undefined
  const isProbe = policy.state === CircuitState.Open
  const entered: Call[] = []
  policy
    // The policy sees only how the call ended: a stream is not a promise.
    .execute(async () => {
      const outcome = Promise.withResolvers<undefined>()
      entered.push({
        isProbe,
        succeed: () => {
          outcome.resolve(undefined)
        },
        fail: (error) => {
          outcome.reject(error)
        },
      })
      return outcome.promise
    })
    .catch(() => undefined)
  return entered[0]
}

async function* watch(chunks: AsyncIterable<LlmChunk>, call: Call): AsyncGenerator<LlmChunk> {
  // A probe that is given up before its first text leaves the provider as doubtful as it was.
  let otherwise = call.isProbe ? FAILED : UNDECIDED
  try {
    for await (const chunk of chunks) {
      if (chunk.type === 'end' || (call.isProbe && chunk.type === 'text')) call.succeed()
      yield chunk
    }
  } catch (error) {
    if (error instanceof LlmError) otherwise = error.retryable ? FAILED : UNDECIDED
    throw error
  } finally {
    call.fail(otherwise)
  }
}

function refuse(retryAfterMs: number): LlmError {
  return new LlmError('LLM_UNAVAILABLE', 'not asked: too many failures in a row', {
    retryable: true,
    retryAfterMs,
  })
}
