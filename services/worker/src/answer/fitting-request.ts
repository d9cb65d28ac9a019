import { halfOf, type HistorySize, type LlmRequest } from '@chatbox/core'
import type { Model } from '../context.ts'

/** A request, and how much of the history is in it. */
export interface SizedRequest {
  request: LlmRequest
  history: HistorySize
}

export interface FittingParts {
  sessionId: string
  lengths: Model['lengths']
  /** Builds the request with at most so much of the history. */
  toRequest(history: HistorySize | undefined): SizedRequest
}

/**
 * One question to a model that may refuse it because of its history: the real window may be smaller
 * than the settings say, or an earlier message against the provider's rules. A refused history is
 * halved once; then the question goes alone, because nothing shorter can be asked. What was
 * learned holds for the next questions of the session, so that not each of them is refused first.
 * It does not hold for other sessions: text that has far more tokens than estimated would take
 * their history away.
 */
export class FittingRequest {
  readonly #parts: FittingParts
  #sized: SizedRequest
  /** The history to send next time, once this request is accepted. */
  #learned: HistorySize | undefined

  /** Throws `LLM_TOO_LONG` if the question alone does not fit into the window of the settings. */
  constructor(parts: FittingParts) {
    this.#parts = parts
    this.#sized = parts.toRequest(parts.lengths.get(parts.sessionId))
  }

  get current(): LlmRequest {
    return this.#sized.request
  }

  /**
   * Takes the refusal of the current length. Returns false if nothing is left to leave out. A
   * shorter request begins a new conversation at the provider, because the history that the
   * provider keeps is too long as well.
   */
  shorten(): boolean {
    const { history, request } = this.#sized
    if (history.messages === 0 && request.conversationRef === undefined) return false
    const half = halfOf(history)
    const { request: shorter, history: left } = this.#parts.toRequest(this.#learned ? NONE : half)
    // The exchange before a question is always tried, because many questions need it.
    this.#learned = { ...half, messages: Math.max(half.messages, 2) }
    this.#sized = { request: { ...shorter, conversationRef: undefined }, history: left }
    return true
  }

  /** Remembers a shorter length after the model has begun to answer it. */
  accept(): void {
    if (this.#learned) this.#parts.lengths.set(this.#parts.sessionId, this.#learned)
  }
}

const NONE: HistorySize = { messages: 0, tokens: 0 }
