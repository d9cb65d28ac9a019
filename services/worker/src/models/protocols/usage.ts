import { estimateTokens, type Llm, type LlmChunk, type LlmRequest } from '@chatbox/core'

export function toUsageChunk(promptTokens: number, completionTokens: number): LlmChunk {
  return {
    type: 'usage',
    usage: { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens },
  }
}

/** Adds an estimate, which errs to the high side, to a whole reply whose provider counted nothing. */
export function withUsage(llm: Llm): Llm {
  return {
    async *streamReply(request, signal) {
      let counted = false
      let replyTokens = 0
      for await (const chunk of llm.streamReply(request, signal)) {
        // Some endpoints have the field and always say zero.
        if (chunk.type === 'usage') counted ||= chunk.usage.totalTokens > 0
        if (chunk.type === 'text') replyTokens += estimateTokens(chunk.text)
        if (chunk.type === 'end' && !counted) yield toUsageChunk(promptTokens(request), replyTokens)
        yield chunk
      }
    },
  }
}

function promptTokens({ system, messages }: LlmRequest): number {
  return messages.reduce(
    (sum, { content }) => sum + estimateTokens(content),
    estimateTokens(system),
  )
}
