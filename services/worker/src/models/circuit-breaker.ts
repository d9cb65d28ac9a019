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
  /** How long no request is made once the circuit breaker is open. */
  openMs: number
  onOpen: (open: boolean) => void
}

/** The number of passing failures in a row that opens the circuit breaker. */
const FAILURES = 5

/**
 * Protects a provider that keeps failing. While the circuit breaker is open, calls fail at once
 * with `LLM_UNAVAILABLE` and the remaining time. Then a single call is let through as a probe. A
 * call has succeeded when the first text of its reply arrives; later failures do not count.
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
      // A half-open policy would make further calls wait for its probe.
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

/** A probe that is aborted before its first text proves nothing: the circuit opens again. */
function isFailure(error: unknown, state: CircuitState): boolean {
  // A provider that states its limit is not broken. The limit is heeded elsewhere.
  return error instanceof LlmError
    ? error.retryable && !error.isLimit
    : state === CircuitState.HalfOpen
}

interface Begun {
  /** All chunks up to the first text. */
  chunks: LlmChunk[]
  rest: AsyncIterator<LlmChunk>
}

/** Reads up to the first text. The provider's time-outs limit the duration. */
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
