import type { LlmRequest } from '@chatbox/core'
import type { MeaningReader } from '../meaning/meaning.ts'

/** The API of one provider on the wire: how to ask, and how to read its events. */
export interface Protocol {
  toCall(request: LlmRequest): ModelCall
  /** Creates the reader of one reply's events. */
  createReader(request: LlmRequest): ReplyReader
  /** Returns the request to ask in another form if that may avoid the refusal of `call`. */
  onRefused?(refusal: Refusal, request: LlmRequest, call: ModelCall): LlmRequest | undefined
}

export interface ModelCall {
  url: URL
  headers: Record<string, string>
  body: object
  /** The traits of the server's dialect that the call heeds. */
  heeded?: ReadonlySet<string>
}

export interface Refusal {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** The first part of the body. */
  text: string
}

export interface ReplyReader extends MeaningReader {
  /** Returns the request that makes the provider stop, if closing the connection is not enough. */
  toStopCall?: () => ModelCall | undefined
}

/**
 * Returns the address of `path` below a provider's endpoint. The endpoint may include the beginning
 * of the path: `https://host/v1` and the whole address are equivalent. An endpoint without a path
 * gets `root` before `path`; one with another path is a gateway, which knows its own versions. Throws
 * for an endpoint that is not http or https, or that contains credentials.
 */
export function toCallUrl(endpoint: string, path: string, root = ''): URL {
  const url = new URL(endpoint)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error('an endpoint must begin with https:// or http://')
  }
  if (url.username || url.password) throw new Error('an endpoint holds no user name or password')
  url.hash = ''
  const base = url.pathname.replace(/\/+$/, '')
  url.pathname = base === '' ? root + path : base + withoutOverlap(base, path)
  return url
}

/** Returns `path` without the beginning that `base` already ends with. */
function withoutOverlap(base: string, path: string): string {
  const parts = path.split('/').slice(1)
  for (let length = parts.length; length > 0; length--) {
    const lead = '/' + parts.slice(0, length).join('/')
    if (base.endsWith(lead)) return path.slice(lead.length)
  }
  return path
}
