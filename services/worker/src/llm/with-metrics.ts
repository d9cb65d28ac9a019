import { LlmError, type Llm } from '@chatbox/core'
import type { Metrics } from '@chatbox/kit'
import { watchReplies } from './watch-replies.ts'

type Outcome = 'ok' | 'unavailable' | 'timeout' | 'truncated' | 'refused' | 'aborted' | 'broken'

/** Counts how each request to a provider ended. */
export function withMetrics(
  llm: Llm,
  modelId: string,
  metrics: Pick<Metrics, 'providerCalled'>,
): Llm {
  return watchReplies(llm, (_request, signal) => {
    let outcome: Outcome = 'aborted'
    return {
      onChunk(chunk) {
        if (chunk.type === 'end') outcome = 'ok'
        return undefined
      },
      onEnd(thrown) {
        if (thrown !== undefined && !signal.aborted) outcome = toOutcome(thrown)
        metrics.providerCalled(modelId, outcome)
        return undefined
      },
    }
  })
}

function toOutcome(error: unknown): Outcome {
  if (!(error instanceof LlmError)) return 'broken'
  if (error.code === 'LLM_TIMEOUT') return 'timeout'
  if (error.code === 'LLM_TRUNCATED') return 'truncated'
  return error.retryable ? 'unavailable' : 'refused'
}
