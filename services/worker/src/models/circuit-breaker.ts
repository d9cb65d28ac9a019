import { LlmError, type Llm, type LlmChunk } from '@chatbox/core'
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel'

export interface CircuitBreakerOptions {
  /** For how long nothing is asked once the circuit breaker is open. */
  openMs: number
  onOpen: (open: boolean) => void
}

/** Failures of the kind that may pass, in a row, that open a circuit breaker. */
const FAILURES = 5

/**
 * Spares a provider that fails again and again: once open, calls fail at once with
 * `LLM_UNAVAILABLE` and the time that is left. Then one call is let through. The first text of a
 * reply decides that a call was good: what breaks after it is not counted.
 */
export function withCircuitBreaker(llm: Llm, { openMs, onOpen }: CircuitBreakerOptions): Llm {
  const policy: CircuitBreakerPolicy = circuitBreaker(
    handleWhen((error) => isFailure(error, policy.state)),
    { breaker: new ConsecutiveBreaker(FAILURES), halfOpenAfter: openMs },
  )
  let openUntil = 0
  policy.onBreak(() => {
    openUntil = Date.now() + openMs
    onOpen(true)
  })
  policy.onReset(() => onOpen(false))

  async function begin(ask: () => AsyncIterable<LlmChunk>): Promise<Begun> {
    try {
      // A half-open policy keeps further calls until its probe is decided: these are refused long before.
      if (policy.state === CircuitState.HalfOpen) throw new BrokenCircuitError()
      return await policy.execute(() => readToText(ask()))
    } catch (error) {
      throw error instanceof BrokenCircuitError ? refuse(openUntil - Date.now()) : error
    }
  }

  return {
    async *streamReply(request, signal) {
      const { chunks, rest } = await begin(() => llm.streamReply(request, signal))
      try {
        yield* chunks
        for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
      } finally {
        await rest.return?.()
      }
    },
  }
}

/** A probe that is given up before its first text leaves the provider as doubtful as it was. */
function isFailure(error: unknown, state: CircuitState): boolean {
  return error instanceof LlmError ? error.retryable : state === CircuitState.HalfOpen
}

interface Begun {
  /** All up to the first text. */
  chunks: LlmChunk[]
  rest: AsyncIterator<LlmChunk>
}

/** The provider's time-outs bound how long this takes. */
async function readToText(reply: AsyncIterable<LlmChunk>): Promise<Begun> {
  const rest = reply[Symbol.asyncIterator]()
  const chunks: LlmChunk[] = []
  for (;;) {
    const next = await rest.next()
    if (next.done) return { chunks, rest }
    chunks.push(next.value)
    if (next.value.type === 'text' || next.value.type === 'end') return { chunks, rest }
  }
}

function refuse(leftMs: number): LlmError {
  return new LlmError('LLM_UNAVAILABLE', 'not asked: too many failures in a row', {
    retryable: true,
    retryAfterMs: Math.max(leftMs, 0),
  })
}
