import type { LlmTimeouts } from '../../../services/worker/src/models/transport/reply-deadline.ts'
import {
  sendStatus,
  streamPieces,
  type Answer,
  type Exchange,
} from '../../environment/model-server.ts'
import { encodeEvents, type WireEvent } from '../../environment/model-wire.ts'

/** What a server sends: events of one stream, or anything else that it does. */
export type Input = WireEvent[] | Answer

type Status = 'complete' | 'incomplete' | 'failed'

/**
 * One row of the table: what the server sends to every request, how the reply ends, what of its text
 * is stored, and how often the provider is asked.
 */
export type Row = [
  name: string,
  input: Input,
  status: Status,
  text: string,
  requests: number,
  options?: RowOptions,
]

export interface RowOptions {
  /** What the server sends to the first request, if it is not what it sends to the others. */
  first?: Input
  code?: 'LLM_UNAVAILABLE' | 'LLM_TIMEOUT' | 'LLM_TRUNCATED' | 'LLM_TOO_LONG'
  /** The tokens that are stored, or `estimated`. */
  tokens?: [prompt: number, completion: number] | 'estimated'
  timeouts?: Partial<LlmTimeouts>
}

/** The words of a user that a provider repeats in an error. They must not be in a log. */
export const WORDS = 'my card is 4000 1234'

export function json(value: object, event?: string): WireEvent {
  return { ...(event === undefined ? {} : { event }), data: JSON.stringify(value) }
}

export const DONE: WireEvent = { data: '[DONE]' }

export function toAnswer(input: Input): Answer {
  return typeof input === 'function' ? input : streamPieces([encodeEvents(input)])
}

/** Sends bytes as they are, under any label. An empty label is left out. */
export function sendRaw(body: string | Buffer, type = 'text/event-stream'): Answer {
  return ({ response }) => {
    response.writeHead(200, type === '' ? {} : { 'content-type': type })
    response.end(body)
  }
}

export function sendJson(value: object, type = 'application/json'): Answer {
  return sendRaw(JSON.stringify(value), type)
}

export function refuse(status: number, headers: Record<string, string> = {}): Answer {
  return sendStatus(status, JSON.stringify({ error: { message: `no: ${WORDS}` } }), headers)
}

/** Sends the first events, keeps the connection alive for a while, then sends the others. */
export function keepAlive(
  keeping: string,
  { before = [], forMs, then }: { before?: WireEvent[]; forMs: number; then: WireEvent[] },
): Answer {
  return ({ response }: Exchange) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(encodeEvents(before))
    const timer = setInterval(() => response.write(keeping), 20)
    const end = setTimeout(() => response.end(encodeEvents(then)), forMs)
    response.once('close', () => {
      clearInterval(timer)
      clearTimeout(end)
    })
  }
}
