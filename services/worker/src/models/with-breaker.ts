import { LlmError, type Llm, type LlmChunk } from '@chatbox/core'
import {
  BrokenCircuitError,
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

type Next = IteratorResult<LlmChunk>

/** Failures of the kind that may pass, in a row, that open a breaker. */
const FAILURES = 5

/**
 * Spares a provider that fails again and again: once open, calls fail at once with
 * `LLM_UNAVAILABLE` and the time that is left. Then one call is let through. The first text of a
 * reply decides that a call was good: what breaks after it is not counted.
 */
export function withBreaker(llm: Llm, { openMs, onOpen }: BreakerOptions): Llm {
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

  async function begin(ask: () => AsyncIterator<LlmChunk>): Promise<Next[]> {
    try {
      // A half-open policy keeps further calls until its probe is decided: these are refused long before.
      if (policy.state === CircuitState.HalfOpen) throw new BrokenCircuitError()
      return await policy.execute(() => readToText(ask()))
    } catch (error) {
      throw error instanceof BrokenCircuitError ? refuse(openUntil - Date.now()) : error
    }
  }

  return {
    streamReply: (request, signal) => ({
      [Symbol.asyncIterator]() {
        let chunks: AsyncIterator<LlmChunk> | undefined
        let held: Next[] = []
        const ask = () => (chunks = llm.streamReply(request, signal)[Symbol.asyncIterator]())
        // By hand: another generator costs every token more.
        const next = (): Promise<Next> => {
          const first = held.shift()
          if (first) return Promise.resolve(first)
          return chunks ? chunks.next() : begin(ask).then((read) => ((held = read), next()))
        }
        return {
          next,
          async return() {
            await chunks?.return?.()
            return { done: true, value: undefined }
          },
        }
      },
    }),
  }
}

/** A probe that is given up before its first text leaves the provider as doubtful as it was. */
function isFailure(error: unknown, state: CircuitState): boolean {
  return error instanceof LlmError ? error.retryable : state === CircuitState.HalfOpen
}

/** All up to the first text, which the provider's time-outs bound. */
async function readToText(chunks: AsyncIterator<LlmChunk>): Promise<Next[]> {
  const read: Next[] = []
  for (;;) {
    const next = await chunks.next()
    read.push(next)
    if (next.done || next.value.type === 'text' || next.value.type === 'end') return read
  }
}

function refuse(leftMs: number): LlmError {
  return new LlmError('LLM_UNAVAILABLE', 'not asked: too many failures in a row', {
    retryable: true,
    retryAfterMs: Math.max(leftMs, 0),
  })
}
