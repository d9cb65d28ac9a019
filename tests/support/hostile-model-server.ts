import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'

interface ReceivedRequest {
  /** Tells the connection it came over. */
  clientPort: number | undefined
  method: string
  path: string
  headers: IncomingMessage['headers']
  /** The body as JSON; what a model was really asked. */
  body: unknown
  /** Becomes the time of day in milliseconds at which the connection ended before the answer did. */
  cut: Promise<number>
}

export interface Exchange {
  request: ReceivedRequest
  response: ServerResponse
}

/** How the server treats one request. It may do anything to the response, down to its socket. */
export type Answer = (exchange: Exchange) => void | Promise<void>

export interface HostileModelServer {
  url: string
  port: number
  requests: ReceivedRequest[]
  /** Resolves once `count` requests have come, in all. */
  received(count: number): Promise<void>
  /** Sets the answers to the next requests, in order; the last one stays. */
  answer(...answers: Answer[]): void
  stop(): Promise<void>
}

/** A model server over plain HTTP that does to each request exactly what a test tells it. */
export async function startHostileModelServer(): Promise<HostileModelServer> {
  const requests: ReceivedRequest[] = []
  const arrivals = new EventEmitter().setMaxListeners(0)
  let answers: Answer[] = [sendStatus(500)]
  const server = createServer((incoming, response) => {
    // A client that goes away in the middle of a write is what many tests are about.
    response.on('error', () => undefined)
    void receive(incoming, response).then(async (request) => {
      requests.push(request)
      arrivals.emit('request')
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      await answer?.({ request, response })
    })
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    received: async (count) => {
      while (requests.length < count) await once(arrivals, 'request')
    },
    answer: (...next) => {
      answers = next
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
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

/** Takes the request and says nothing, ever. */
export function hang(): Answer {
  return () => undefined
}

/** Ends the connection before any answer. */
export function reset(): Answer {
  return ({ response }) => {
    response.socket?.resetAndDestroy()
  }
}

export interface StreamOptions {
  /** What happens after the last piece; `end` is a proper end of the HTTP body. */
  then?: 'end' | 'hang' | 'reset'
  headers?: Record<string, string>
}

/** Streams the pieces as they are, each in a write of its own. */
export function streamPieces(pieces: Iterable<Uint8Array>, options: StreamOptions = {}): Answer {
  return async ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...options.headers })
    response.flushHeaders()
    await pipeline(oneByOne(pieces), response, { end: false }).catch(() => undefined)
    if (options.then === 'reset') response.socket?.resetAndDestroy()
    else if (options.then !== 'hang') response.end()
  }
}

/** Each piece in a turn of its own, so that most of them travel alone. */
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
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk as Uint8Array))
  return {
    clientPort: incoming.socket.remotePort,
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body: toJson(Buffer.concat(chunks).toString()),
    cut,
  }
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
