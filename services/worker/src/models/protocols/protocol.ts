import type { LlmChunk, LlmError, LlmRequest } from '@chatbox/core'

/** What one provider's API looks like on the wire: how to ask it, and what its events mean. */
export interface Protocol {
  toCall(request: LlmRequest): ModelCall
  /** Reads the events of one reply. */
  createReader(request: LlmRequest): ReplyReader
  /** How to ask again after a refusal that another form of the question avoids. */
  onRefused?(refusal: Refusal, request: LlmRequest): LlmRequest | undefined
}

export interface ModelCall {
  url: URL
  headers: Record<string, string>
  body: object
}

export interface Refusal {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** The first part of the body. */
  text: string
}

/**
 * `thinking` is a sign of life that nobody is shown; `failure` ends the reply after what the same
 * event had to say before.
 */
export type ReaderChunk = LlmChunk | { type: 'thinking' } | { type: 'failure'; error: LlmError }

export interface ReplyReader {
  /**
   * What the data of one event says. Throws `LlmError` for an error that the provider states and for
   * an event that it cannot read.
   */
  read: (data: string) => ReaderChunk[]
  /** The stream ended: what is still to say, `end` among it if the reply is whole. */
  finish?: () => ReaderChunk[]
  /** The request that tells the provider to stop, where dropping the connection does not. */
  toStopCall?: () => ModelCall | undefined
}
