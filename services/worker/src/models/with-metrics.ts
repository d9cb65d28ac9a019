import { LlmError, type Llm, type LlmChunk } from '@chatbox/core'
import type { Metrics } from '@chatbox/kit'

type Outcome = 'ok' | 'unavailable' | 'timeout' | 'truncated' | 'refused' | 'aborted' | 'broken'

/** Counts how each request to a provider ended, once. Iterated by hand: a generator costs every token. */
export function withMetrics(
  llm: Llm,
  modelId: string,
  metrics: Pick<Metrics, 'providerCalled'>,
): Llm {
  return {
    streamReply: (request, signal) => ({
      [Symbol.asyncIterator]() {
        const chunks = llm.streamReply(request, signal)[Symbol.asyncIterator]()
        let outcome: Outcome = 'aborted'
        let isCounted = false
        const count = (): void => {
          if (!isCounted) metrics.providerCalled(modelId, outcome)
          isCounted = true
        }
        const onNext = (next: IteratorResult<LlmChunk>): IteratorResult<LlmChunk> => {
          if (next.done) count()
          else if (next.value.type === 'end') outcome = 'ok'
          return next
        }
        const onThrown = (thrown: unknown): never => {
          if (!signal.aborted) outcome = toOutcome(thrown)
          count()
          throw thrown
        }
        return {
          next: () => chunks.next().then(onNext, onThrown),
          async return() {
            count()
            await chunks.return?.()
            return { done: true, value: undefined }
          },
        }
      },
    }),
  }
}

function toOutcome(error: unknown): Outcome {
  if (!(error instanceof LlmError)) return 'broken'
  if (error.code === 'LLM_TIMEOUT') return 'timeout'
  if (error.code === 'LLM_TRUNCATED') return 'truncated'
  return error.retryable ? 'unavailable' : 'refused'
}
