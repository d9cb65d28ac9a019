import type { ErrorCode, Usage } from '@chatbox/contract'
import { AppError } from '../errors.ts'

export interface PromptMessage {
  role: 'user' | 'assistant'
  content: string
}

export interface LlmRequest {
  sessionId: string
  userId: string
  requestId: string
  /** Goes into the provider's own field for it; empty for none. */
  system: string
  /** Oldest first; begins and ends with the user. */
  messages: readonly PromptMessage[]
  /** What this provider last called this session, where it keeps the history itself. */
  conversationRef: string | undefined
}

export type LlmChunk =
  | { type: 'text'; text: string }
  | { type: 'usage'; usage: Usage }
  | { type: 'conversation'; ref: string }
  /** The provider said that the reply is whole. A stream that ends without it is cut. */
  | { type: 'end' }

/**
 * One configured model behind one provider.
 *
 * `streamReply` makes one request, no retries. Aborting `signal` ends the upstream request within
 * 1 s. It throws `LlmError`, and nothing else besides the abort reason; a stream that stops without
 * the provider's own terminator throws `LLM_TRUNCATED`.
 */
export interface Llm {
  streamReply(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmChunk>
}

type LlmErrorCode = Extract<ErrorCode, `LLM_${string}`>

/** A provider's failure: `message` is generic and may be shown, `detail` is for the log. */
export class LlmError extends AppError {
  override readonly name = 'LlmError'
  /** What the provider said, capped, without the key. */
  readonly detail: string

  constructor(
    code: LlmErrorCode,
    detail: string,
    options: { retryable: boolean; retryAfterMs?: number; cause?: unknown },
  ) {
    super(code, LLM_MESSAGES[code], options)
    this.detail = detail
  }
}

const LLM_MESSAGES: Record<LlmErrorCode, string> = {
  LLM_UNAVAILABLE: 'The model could not answer.',
  LLM_TIMEOUT: 'The model took too long.',
  LLM_TRUNCATED: 'The answer was cut off.',
}
