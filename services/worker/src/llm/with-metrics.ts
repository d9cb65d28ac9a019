import { LlmError, type Llm } from '@chatbox/core'
import type { Metrics } from '@chatbox/kit'

type Outcome = 'ok' | 'unavailable' | 'timeout' | 'truncated' | 'refused' | 'aborted' | 'broken'

/** Counts how each request to a provider ended. */
export function withMetrics(
  llm: Llm,
  modelId: string,
  metrics: Pick<Metrics, 'providerCalled'>,
): Llm {
  return {
    async *streamReply(request, signal) {
      let outcome: Outcome = 'aborted'
      try {
        for await (const chunk of llm.streamReply(request, signal)) {
          if (chunk.type === 'end') outcome = 'ok'
          yield chunk
        }
      } catch (error) {
        if (!signal.aborted) outcome = toOutcome(error)
        throw error
      } finally {
        metrics.providerCalled(modelId, outcome)
      }
    },
  }
}

function toOutcome(error: unknown): Outcome {
  if (!(error instanceof LlmError)) return 'broken'
  if (error.code === 'LLM_TIMEOUT') return 'timeout'
  if (error.code === 'LLM_TRUNCATED') return 'truncated'
  return error.retryable ? 'unavailable' : 'refused'
}
