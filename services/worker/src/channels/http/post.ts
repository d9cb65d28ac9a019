import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Route } from '@chatbox/core'
import { checkLiteral, createPublicLookup, type Resolve } from './public-lookup.ts'

export interface HttpPost {
  url: URL
  headers: Readonly<Record<string, string>>
  body: string
}

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** The beginning of the body. */
  text: string
}

interface PostOptions {
  /** Filled in as far as the connection comes. */
  route: Route
  allowPrivate: boolean
  resolve?: Resolve
}

/** How much of an answer is read. */
const MAX_ANSWER_BYTES = 16 * 1024

/**
 * Posts once, over a connection of its own. A redirect is an answer like any
 * other, because following it would give the notice to another server. Throws the connection's error,
 * `PrivateAddressError`, and the reason of `signal`, which also ends the reading of a slow body.
 */
export async function post(
  { url, headers, body }: HttpPost,
  { route, allowPrivate, resolve }: PostOptions,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  signal.throwIfAborted()
  if (!allowPrivate) checkLiteral(url.hostname)
  const bytes = Buffer.from(body)
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: {
      ...headers,
      'content-length': bytes.length,
      'user-agent': 'chatbox',
      'accept-encoding': 'identity',
    },
    agent: false,
    signal,
    ...(allowPrivate ? {} : { lookup: createPublicLookup(resolve) }),
  })
  request.once('socket', (socket) => follow(socket, route))
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    // Stays for errors after the answer began, which nobody needs.
    request.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error))
    request.end(bytes)
  })
  const text = await readStart(response)
  request.destroy()
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

function follow(socket: Socket, route: Route): void {
  socket.once('connect', () => {
    if (socket.remoteAddress !== undefined) {
      route.address = `${socket.remoteAddress} port ${socket.remotePort}`
    }
  })
  socket.once('secureConnect', () => {
    if (socket instanceof TLSSocket) route.tls = socket.getProtocol() ?? 'unknown'
  })
}

/** The status is the answer, so a body that breaks off or never ends is left as it is. */
async function readStart(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= MAX_ANSWER_BYTES) break
    }
  } catch {
    // What came before is enough.
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString()
}
