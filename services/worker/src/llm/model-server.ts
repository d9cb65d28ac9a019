import { Agent, request, type Dispatcher } from 'undici'
import { LLM_LIMITS } from './llm-limits.ts'
import type { ModelCall, Refusal } from './protocol.ts'
import { toNonsenseError } from './provider-error.ts'

type Body = Dispatcher.ResponseData['body']

export interface ReplyBody {
  /** Ending the iteration does not end the body. */
  chunks: AsyncIterable<Buffer>
  body: Body
}

type Asked = { body: ReplyBody; refusal?: never } | { body?: never; refusal: Refusal }

/** Connections to one provider. */
export interface ModelServer {
  /** Throws what the connection throws, and `LlmError` for a 200 that is no event stream. */
  ask(call: ModelCall, signal: AbortSignal): Promise<Asked>
  /** Sends `call` without waiting for what comes of it. */
  tell(call: ModelCall): void
  close(): Promise<void>
}

/** How long a finished answer and an order to stop may keep a connection busy. */
const AFTERMATH_MS = 1000

/**
 * Posts questions to one provider. A redirect is a refusal, never followed: the next server would
 * be handed the user's text. Nothing is decompressed, so that no body grows after it was counted.
 */
export function openModelServer(connectMs: number): ModelServer {
  const agent = new Agent({
    connect: { timeout: connectMs },
    // The caller's deadline bounds the waiting for headers and body.
    headersTimeout: 0,
    bodyTimeout: 0,
    // A reply has its connection to itself: none is cut because its neighbour is.
    allowH2: false,
    pipelining: 1,
  })
  const post = (call: ModelCall, signal: AbortSignal): Promise<Dispatcher.ResponseData> =>
    request(call.url, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        ...call.headers,
        'content-type': 'application/json',
        accept: 'text/event-stream',
        'accept-encoding': 'identity',
      },
      body: JSON.stringify(call.body),
      signal,
    })
  return {
    ask: async (call, signal) => {
      const { statusCode, headers, body } = await post(call, signal)
      if (statusCode !== 200) {
        return { refusal: { status: statusCode, headers, text: await readStart(body, headers) } }
      }
      const fault = findFault(headers)
      if (fault !== undefined) throw toNonsenseError(`${fault}, ${await readStart(body, headers)}`)
      return { body: { body, chunks: body.iterator({ destroyOnReturn: false }) } }
    },
    tell: (call) => {
      post(call, AbortSignal.timeout(AFTERMATH_MS)).then(
        ({ body }) => {
          drain(body)
        },
        () => undefined,
      )
    },
    close: () => agent.close(),
  }
}

/** Ends the request now, and with it the provider's work. */
export function dropBody({ body }: ReplyBody): void {
  // Destroyed before its end, a body reports an error that nobody waits for any more.
  body.on('error', () => undefined)
  body.destroy()
}

/** Lets the connection serve another question, if the provider ends the answer soon. */
export function releaseBody({ body }: ReplyBody): void {
  drain(body)
}

function drain(body: Body): void {
  const signal = AbortSignal.timeout(AFTERMATH_MS)
  body.dump({ limit: LLM_LIMITS.eventLength, signal }).catch(() => undefined)
}

function findFault(headers: Refusal['headers']): string | undefined {
  if (isCompressed(headers)) return 'a compressed answer'
  const type = String(headers['content-type'] ?? '').toLowerCase()
  return type.startsWith('text/event-stream') ? undefined : 'an answer that is no event stream'
}

function isCompressed(headers: Refusal['headers']): boolean {
  return (headers['content-encoding'] ?? 'identity') !== 'identity'
}

/** The first part of a body that is not wanted; the rest is never received. */
async function readStart(body: Body, headers: Refusal['headers']): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= LLM_LIMITS.errorBodyBytes) break
    }
  } catch {
    // A refusal that is cut short is still that refusal.
  }
  if (isCompressed(headers)) return `${bytes} compressed bytes read`
  return Buffer.concat(chunks).subarray(0, LLM_LIMITS.errorBodyBytes).toString()
}
