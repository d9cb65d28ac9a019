import { estimateTokens, LlmError, type Llm, type LlmChunk, type LlmRequest } from '@chatbox/core'
import type { Metrics } from '@chatbox/kit'

type Outcome = 'ok' | 'unavailable' | 'timeout' | 'truncated' | 'refused' | 'aborted' | 'broken'

/**
 * Counts the result of each request to a provider once. If the provider reported no tokens for a
 * complete reply, adds an estimate on the high side.
 */
export function withMetrics(
  llm: Llm,
  modelId: string,
  metrics: Pick<Metrics, 'providerCalled'>,
): Llm {
  return {
    async *streamReply(request, signal) {
      let outcome: Outcome = 'aborted'
      let isUsageKnown = false
      let replyTokens = 0
      try {
        for await (const chunk of llm.streamReply(request, signal)) {
          // Some endpoints always report zero.
          if (chunk.type === 'usage') isUsageKnown ||= chunk.usage.totalTokens > 0
          if ('text' in chunk) replyTokens += estimateTokens(chunk.text)
          if (chunk.type === 'end') outcome = 'ok'
          if (chunk.type === 'end' && !isUsageKnown) {
            yield toEstimate(request, replyTokens)
          }
          yield chunk
        }
      } catch (thrown) {
        if (!signal.aborted) outcome = toOutcome(thrown)
        throw thrown
      } finally {
        metrics.providerCalled(modelId, outcome)
      }
    },
  }
}

function toEstimate(request: LlmRequest, shownTokens: number): LlmChunk {
  const promptTokens = toPromptTokens(request)
  const completionTokens = shownTokens + Math.ceil(request.work?.hiddenTokens ?? 0)
  const totalTokens = promptTokens + completionTokens
  return { type: 'usage', usage: { promptTokens, completionTokens, totalTokens } }
}

function toPromptTokens({ system, messages }: LlmRequest): number {
  return messages.reduce(
    (sum, { content }) => sum + estimateTokens(content),
    estimateTokens(system),
  )
}

function toOutcome(error: unknown): Outcome {
  if (!(error instanceof LlmError)) return 'broken'
  if (error.code === 'LLM_TIMEOUT') return 'timeout'
  if (error.code === 'LLM_TRUNCATED') return 'truncated'
  return error.retryable ? 'unavailable' : 'refused'
}
