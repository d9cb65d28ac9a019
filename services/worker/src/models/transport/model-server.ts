import { Agent } from 'undici'
import { LLM_LIMITS } from '../llm-limits.ts'
import type { ModelCall, Refusal } from '../protocols/protocol.ts'
import { toNonsenseError } from './provider-error.ts'
import { PulledAnswer } from './pulled-answer.ts'

type Asked = { body: PulledAnswer; refusal?: never } | { body?: never; refusal: Refusal }

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
    // For `net.connect` and `tls.connect`: a socket that holds a byte reads no more.
    connect: { timeout: connectMs, ...{ highWaterMark: 1 } },
    // The caller's deadline bounds the waiting for headers and body.
    headersTimeout: 0,
    bodyTimeout: 0,
    // A reply has its connection to itself: none is cut because its neighbour is.
    allowH2: false,
    pipelining: 1,
  })
  const post = (call: ModelCall, signal: AbortSignal): PulledAnswer => {
    const { origin, pathname, search } = new URL(call.url)
    const answer = new PulledAnswer(signal)
    const headers = {
      ...call.headers,
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
    }
    const body = JSON.stringify(call.body)
    agent.dispatch({ origin, path: pathname + search, method: 'POST', headers, body }, answer)
    return answer
  }
  return {
    ask: async (call, signal) => {
      const answer = post(call, signal)
      const { statusCode, headers } = await answer.started
      if (statusCode !== 200) {
        return { refusal: { status: statusCode, headers, text: await readStart(answer, headers) } }
      }
      const fault = findFault(headers)
      if (fault === undefined) return { body: answer }
      throw toNonsenseError(`${fault}, ${await readStart(answer, headers)}`)
    },
    tell: (call) => {
      const answer = post(call, AbortSignal.timeout(AFTERMATH_MS))
      answer.started.then(
        () => releaseBody(answer),
        () => undefined,
      )
    },
    close: () => agent.close(),
  }
}

/** Lets the connection serve another question, if the provider ends the answer soon. */
export function releaseBody(answer: PulledAnswer): void {
  answer.release(AFTERMATH_MS, LLM_LIMITS.eventLength)
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
async function readStart(answer: PulledAnswer, headers: Refusal['headers']): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    while (bytes < LLM_LIMITS.errorBodyBytes) {
      const chunk = await answer.read()
      if (!chunk) break
      chunks.push(chunk)
      bytes += chunk.length
    }
  } catch {
    // A refusal that is cut short is still that refusal.
  }
  answer.drop()
  if (isCompressed(headers)) return `${bytes} compressed bytes read`
  return Buffer.concat(chunks).subarray(0, LLM_LIMITS.errorBodyBytes).toString()
}
