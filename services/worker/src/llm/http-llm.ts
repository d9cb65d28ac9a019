import type { Clock, Llm, LlmChunk, LlmRequest } from '@chatbox/core'
import { startDeadline, type Deadline } from './deadline.ts'
import { readEvents } from './event-stream.ts'
import { LLM_LIMITS, type LlmTimeouts } from './llm-limits.ts'
import { dropBody, releaseBody, type ModelServer, type ReplyBody } from './model-server.ts'
import type { Protocol, ReaderChunk, ReplyReader } from './protocol.ts'
import { toCutError, toRefusalError, toTransportError } from './provider-error.ts'

export interface HttpLlmDeps {
  server: ModelServer
  clock: Pick<Clock, 'now'>
  timeouts: LlmTimeouts
  /** Taken out of everything that a provider says. */
  apiKey: string | undefined
}

interface OpenReply {
  reader: ReplyReader
  body: ReplyBody | undefined
  /** The provider said so; what it may still send is of no interest. */
  whole: boolean
}

/** A model that is asked over HTTP and answers with an event stream, whatever its protocol. */
export function createHttpLlm(protocol: Protocol, deps: HttpLlmDeps): Llm {
  return {
    async *streamReply(request, signal) {
      const deadline = startDeadline(signal, deps.timeouts)
      const reply: OpenReply = {
        reader: protocol.createReader(request),
        body: undefined,
        whole: false,
      }
      try {
        deadline.signal.throwIfAborted()
        deadline.resume()
        reply.body = await ask(protocol, request, { ...deps, signal: deadline.signal })
        yield* readReply(reply, readEvents(reply.body.chunks), { ...deps, deadline })
      } catch (error) {
        // Whatever broke after an abort broke of it.
        deadline.signal.throwIfAborted()
        throw toTransportError(error, reply.body !== undefined)
      } finally {
        deadline.stop()
        close(reply, deps.server)
      }
    },
  }
}

async function ask(
  protocol: Protocol,
  first: LlmRequest,
  deps: HttpLlmDeps & { signal: AbortSignal },
): Promise<ReplyBody> {
  let request = first
  for (let adaptations = 0; ; adaptations++) {
    const { body, refusal } = await deps.server.ask(protocol.toCall(request), deps.signal)
    if (body) return body
    const adapted = protocol.onRefused?.(refusal, request)
    if (!adapted || adaptations === LLM_LIMITS.adaptations) {
      const text = redact(refusal.text, deps.apiKey)
      throw toRefusalError({ ...refusal, text }, deps.clock.now())
    }
    request = adapted
  }
}

async function* readReply(
  reply: OpenReply,
  events: ReturnType<typeof readEvents>,
  deps: { deadline: Deadline; apiKey: string | undefined },
): AsyncGenerator<LlmChunk> {
  const { deadline } = deps
  for await (const event of events) {
    const chunks = reply.reader.read({ ...event, data: redact(event.data, deps.apiKey) })
    if (chunks.length === 0) continue
    deadline.pause()
    if (chunks.some(isBeginning)) deadline.begun()
    yield* forReader(chunks, reply)
    if (reply.whole) return
    deadline.resume()
  }
  yield* forReader(reply.reader.finish?.() ?? [], reply)
  if (!reply.whole) throw toCutError('the stream ended before the reply did')
}

/** What of `chunks` is for the reader of the reply. */
function* forReader(chunks: ReaderChunk[], reply: OpenReply): Generator<LlmChunk> {
  for (const chunk of chunks) {
    // Known before the chunk is handed on, for a reader that stops reading there.
    reply.whole ||= chunk.type === 'end'
    if (chunk.type === 'failure') throw chunk.error
    if (chunk.type !== 'thinking') yield chunk
    if (chunk.type === 'end') return
  }
}

function isBeginning(chunk: ReaderChunk): boolean {
  return chunk.type === 'text' || chunk.type === 'thinking'
}

function close(reply: OpenReply, server: ModelServer): void {
  if (!reply.body) return
  if (reply.whole) {
    releaseBody(reply.body)
    return
  }
  dropBody(reply.body)
  const stopCall = reply.reader.toStopCall?.()
  if (stopCall) server.tell(stopCall)
}

function redact(text: string, apiKey: string | undefined): string {
  return apiKey ? text.replaceAll(apiKey, '[key]') : text
}
