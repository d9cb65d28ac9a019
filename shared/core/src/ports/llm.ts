import type { ErrorCode, Usage } from '@chatbox/contract'
import { AppError } from '../errors.ts'

export interface PromptMessage {
  role: 'user' | 'assistant'
  content: string
  /** Set for the words of a person of the support team, and for the line that says they have left. */
  isOfPerson?: true
}

export interface LlmRequest {
  sessionId: string
  userId: string
  requestId: string
  /** The system prompt; empty for none. */
  system: string
  /**
   * Oldest first; begins and ends with the user. Two of one role may follow each other, for example
   * where a question has no answer.
   */
  messages: readonly PromptMessage[]
  /** The provider's last reference for this session, if the provider keeps the history itself. */
  conversationRef: string | undefined
  /** Whose turn it takes where requests have to wait (see `JobQueue`); the session's own if missing. */
  lane?: string | undefined
  /** What the provider does is noted here while the request runs. */
  work?: LlmWork
}

/**
 * What a provider has done for a request, as far as no chunk shows it. A provider bills for this
 * even if the reply never begins, so it is known at any time, also after an abort.
 */
export interface LlmWork {
  /** The request was sent to the provider, which has not refused it. */
  isSent: boolean
  /** An estimate of the reasoning that was not shown. */
  hiddenTokens: number
}

export type LlmChunk =
  | { type: 'text'; text: string }
  /** The provider took back all text so far. This is the text instead, and more may follow. */
  | { type: 'replacement'; text: string }
  | { type: 'usage'; usage: Usage }
  | { type: 'conversation'; ref: string }
  /** The provider marked the reply as complete. A stream that ends without this was cut off. */
  | { type: 'end' }

/**
 * One configured model of one provider. `streamReply` makes one request and does not try again after
 * a failure. A provider that states its limit may be asked again when its time is over. Aborting
 * `signal` ends the upstream request within 1 s. Throws only `LlmError` or the abort reason. If the
 * stream stops without the provider's own terminator, throws `LLM_TRUNCATED`. If the request is
 * longer than the model's window, throws `LLM_TOO_LONG`.
 */
export interface Llm {
  streamReply(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmChunk>
}

type LlmErrorCode = Extract<ErrorCode, `LLM_${string}`>

interface LlmErrorOptions {
  retryable: boolean
  mayBeHistory?: boolean
  isLimit?: boolean
  retryAfterMs?: number
  said?: string
  cause?: unknown
}

/** A provider's failure. `message` is generic and may be shown. */
export class LlmError extends AppError {
  override readonly name = 'LlmError'
  /** What happened, in our words, for the log. */
  readonly detail: string
  /** Something in the history, or its length, may be why: a request with less of it may pass. */
  readonly mayBeHistory: boolean
  /**
   * What the provider said, capped, without the key. It may quote the user, so that it is for the
   * log at `debug` only.
   */
  readonly said: string | undefined

  /** The provider does not take the question now, because of its own limit. Nothing is broken. */
  readonly isLimit: boolean

  constructor(code: LlmErrorCode, detail: string, options: LlmErrorOptions) {
    super(code, LLM_MESSAGES[code], options)
    this.detail = detail
    this.mayBeHistory = options.mayBeHistory ?? code === 'LLM_TOO_LONG'
    this.said = options.said
    this.isLimit = options.isLimit ?? false
  }
}

const LLM_MESSAGES: Record<LlmErrorCode, string> = {
  LLM_UNAVAILABLE: 'The model could not answer.',
  LLM_TIMEOUT: 'The model took too long.',
  LLM_TRUNCATED: 'The answer was cut off.',
  LLM_TOO_LONG: 'This is too long for the model. Write less, or start a new chat.',
}
