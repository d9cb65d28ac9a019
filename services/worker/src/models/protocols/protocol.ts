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

/**
 * The address of `path` below a provider's endpoint. An endpoint may be written with or without the
 * path's leading part (`https://host`, `https://host/v1`, the whole address): all mean the same.
 * Throws for an endpoint that is not plain http or https, or that holds credentials.
 */
export function toCallUrl(endpoint: string, path: string): URL {
  const url = new URL(endpoint)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error('an endpoint begins with https:// or http://')
  }
  if (url.username || url.password) throw new Error('an endpoint holds no user name or password')
  url.hash = ''
  const base = url.pathname.replace(/\/+$/, '')
  url.pathname = base + withoutOverlap(base, path)
  return url
}

/** `path` without the leading part that `base` already ends with. */
function withoutOverlap(base: string, path: string): string {
  const parts = path.split('/').slice(1)
  for (let length = parts.length; length > 0; length--) {
    const lead = '/' + parts.slice(0, length).join('/')
    if (base.endsWith(lead)) return path.slice(lead.length)
  }
  return path
}

export function toUsageChunk(promptTokens: number, completionTokens: number): LlmChunk {
  return {
    type: 'usage',
    usage: { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens },
  }
}
