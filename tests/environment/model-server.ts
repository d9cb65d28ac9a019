import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { encodeEvents, protocolOf, WIRES, type ReplyFrame } from './model-wire.ts'
import { listen } from './servers/ports.ts'

interface ReceivedRequest {
  /** Identifies the connection of the request. */
  clientPort: number | undefined
  method: string
  path: string
  headers: IncomingMessage['headers']
  /** The body as JSON: what the model was really asked. */
  body: unknown
  /**
   * The time of day in milliseconds at which the connection ended before the answer; unset until
   * then.
   */
  cut: Promise<number>
}

export interface Exchange {
  request: ReceivedRequest
  response: ServerResponse
}

/** How the server handles one request. It may do anything to the response, even to its socket. */
export type Answer = (exchange: Exchange) => unknown

export interface ModelServer {
  url: string
  port: number
  requests: ReceivedRequest[]
  /** Resolves after `count` requests in all. */
  received(count: number): Promise<void>
  /** The number of requests in progress. */
  streaming(): number
  /** Sets the answers to the next requests, in order. The last one is repeated. */
  answer(...answers: Answer[]): void
  stop(): Promise<void>
}

export interface ModelServerOptions {
  /** The port to listen on; any free port by default. */
  port?: number
  /** Whether to keep requests for inspection. Runs of hours do not. */
  keepsRequests?: boolean
}

/**
 * Starts a model server for every protocol over plain HTTP. It handles each request as it is told.
 */
export async function startModelServer(
  first: Answer = sendStatus(500),
  { port = 0, keepsRequests = true }: ModelServerOptions = {},
): Promise<ModelServer> {
  const requests: ReceivedRequest[] = []
  const arrivals = new EventEmitter().setMaxListeners(0)
  let answers = [first]
  let streaming = 0

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await receive(incoming, response)
    if (keepsRequests) requests.push(request)
    arrivals.emit('request')
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    await answer?.({ request, response })
  }

  const server = createServer((incoming, response) => {
    // Many tests let a client disconnect in the middle of a write.
    response.on('error', () => undefined)
    response.socket?.setNoDelay(true)
    streaming += 1
    serve(incoming, response)
      // The client may also disconnect while it sends its question.
      .catch(() => response.destroy())
      .finally(() => (streaming -= 1))
  })
  const listening = await listen(server, { port })
  return {
    url: `http://127.0.0.1:${listening.port}`,
    port: listening.port,
    requests,
    received: async (count) => {
      while (requests.length < count) await once(arrivals, 'request')
    },
    streaming: () => streaming,
    answer: (...next) => {
      answers = next
    },
    stop: () => listening.close(),
  }
}

/** Refuses with a status, a body and headers. */
export function sendStatus(
  status: number,
  body: string | Buffer = '{"error":{"message":"refused by the test"}}',
  headers: Record<string, string> = {},
): Answer {
  return ({ response }) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body)
  }
}

/** Accepts the request and never answers. */
export function hang(): Answer {
  return () => undefined
}

/** Ends the connection before any answer. */
export function reset(): Answer {
  return ({ response }) => {
    response.socket?.resetAndDestroy()
  }
}

/** What happens after the last piece. `end` ends the HTTP body properly. */
type Ending = 'end' | 'hang' | 'reset'

/** Streams the pieces unchanged, each in its own write. */
export function streamPieces(
  pieces: Iterable<Uint8Array>,
  { then = 'end' }: { then?: Ending } = {},
): Answer {
  return async ({ response }) => {
    beginStream(response)
    await pipeline(oneByOne(pieces), response, { end: false }).catch(() => undefined)
    end(response, then)
  }
}

export interface ReplyScript extends ReplyFrame {
  /** The text. A function is called when its piece is written. */
  pieces: Iterable<string | (() => string)>
  /** The time from one piece to the next, including the write. */
  intervalMs?: number
  /** Waits before the next piece, for example for the test. */
  before?: (index: number) => Promise<unknown> | undefined
  then?: Ending
}

/** Answers each question with its reply, in the protocol of the request. */
export function streamReply(script: ReplyScript | ((body: unknown) => ReplyScript)): Answer {
  return async (exchange) => {
    const reply = typeof script === 'function' ? script(exchange.request.body) : script
    await writeReply(exchange, reply)
  }
}

export interface Written {
  /** The number of pieces written before the connection ended. */
  pieces: number
  isWhole: boolean
}

/** Writes one reply in the protocol of its request. */
export async function writeReply(
  { request, response }: Exchange,
  { pieces, intervalMs = 0, before, then = 'end', ...frame }: ReplyScript,
): Promise<Written> {
  const protocol = protocolOf(request.path)
  if (!protocol) {
    response.writeHead(404).end()
    return { pieces: 0, isWhole: false }
  }
  const wire = WIRES[protocol]
  const closed = new Promise((resolve) => response.once('close', resolve))
  beginStream(response)
  response.write(encodeEvents(wire.opening(frame)))
  const startedAt = performance.now()
  let written = 0
  for (const piece of pieces) {
    await before?.(written)
    const waitMs = startedAt + (written + 1) * intervalMs - performance.now()
    await (waitMs > 0 ? Promise.race([sleep(waitMs), closed]) : nextTurn())
    if (response.destroyed) return { pieces: written, isWhole: false }
    const text = typeof piece === 'string' ? piece : piece()
    response.write(encodeEvents([wire.piece(text, frame)]))
    written += 1
  }
  response.write(encodeEvents(wire.closing(frame)))
  end(response, then)
  return { pieces: written, isWhole: !response.destroyed }
}

const DEFAULT_TOKENS = 10
const TOKEN_INTERVAL_MS = 20

/**
 * Streams numbered tokens, one every 20 ms. The last message gives the number (`tokens=40`); the
 * default is 10. A test can therefore check every word that a viewer shows; see `textOfTokens`.
 */
export const streamTokens: Answer = streamReply((body) => {
  const found = [...JSON.stringify(body).matchAll(/tokens=(\d+)/gu)].at(-1)
  const pieces = toTokens(found ? Number(found[1]) : DEFAULT_TOKENS)
  return {
    pieces,
    usage: { prompt: 7, completion: pieces.length },
    intervalMs: TOKEN_INTERVAL_MS,
  }
})

export function textOfTokens(count: number): string {
  return toTokens(count).join('')
}

function toTokens(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `t${index} `)
}

function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
}

function end(response: ServerResponse, then: Ending): void {
  if (then === 'reset') response.socket?.resetAndDestroy()
  else if (then === 'end') response.end()
}

/** Writes each piece in its own turn of the event loop, so that most travel alone. */
async function* oneByOne(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    yield piece
    await nextTurn()
  }
}

async function receive(
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<ReceivedRequest> {
  const cut = new Promise<number>((resolve) => {
    response.once('close', () => {
      if (!response.writableFinished) resolve(Date.now())
    })
  })
  const body = await json(incoming).catch(() => undefined)
  return {
    clientPort: incoming.socket.remotePort,
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body,
    cut,
  }
}
