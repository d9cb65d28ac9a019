import { setTimeout as sleep } from 'node:timers/promises'
import type { Llm, LlmChunk, LlmRequest } from '@chatbox/core'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { Protocol, ReaderChunk, ReplyReader } from '../protocols/protocol.ts'
import type { ModelServer, PulledAnswer } from './model-server.ts'
import { toCutError, toRefusalError, toTransportError } from './provider-error.ts'
import { ReplyDeadline, type LlmTimeouts } from './reply-deadline.ts'

export interface HttpLlmOptions {
  server: ModelServer
  timeouts: LlmTimeouts
  /** For how long text may gather before it is read; 0 reads it as it comes. */
  gatherMs: number
  /** Taken out of everything that a provider says. */
  apiKey: string | undefined
}

/** One reply as it comes in. */
interface ReplyStream {
  deadline: ReplyDeadline
  reader: ReplyReader
  body: PulledAnswer | undefined
  /** The provider said so; what it may still send is of no interest. */
  isWhole: boolean
  /** Text came since the last wait for more. */
  hasShown: boolean
}

/** A model that is asked over HTTP and answers with an event stream, whatever its protocol. */
export function createHttpLlm(protocol: Protocol, options: HttpLlmOptions): Llm {
  const { server, timeouts, gatherMs, apiKey } = options
  return {
    async *streamReply(request, signal) {
      const deadline = new ReplyDeadline(signal, timeouts)
      const reader = protocol.createReader(request)
      const reply: ReplyStream = {
        deadline,
        reader,
        body: undefined,
        isWhole: false,
        hasShown: false,
      }
      try {
        deadline.signal.throwIfAborted()
        deadline.resume()
        reply.body = await ask(protocol, request, { ...options, signal: deadline.signal })
        for await (const events of readEvents(readGathered(reply, reply.body, gatherMs))) {
          const chunks = readChunks(reader, events, apiKey)
          if (chunks.length === 0) continue
          // What is to come is waited for again once the caller has taken these.
          deadline.pause()
          if (chunks.some(isBeginning)) deadline.begun()
          yield* forCaller(chunks, reply)
          if (reply.isWhole) return
          deadline.resume()
        }
        yield* forCaller(reader.finish?.() ?? [], reply)
        if (!reply.isWhole) throw toCutError('the stream ended before the reply did')
      } catch (error) {
        // Whatever broke after an abort broke of it.
        deadline.signal.throwIfAborted()
        throw toTransportError(error, reply.body !== undefined)
      } finally {
        deadline.stop()
        close(reply, server)
      }
    },
  }
}

/** How often one question is asked in another form after a refusal that names what to leave out. */
const ADAPTATIONS = 2

async function ask(
  protocol: Protocol,
  first: LlmRequest,
  { server, signal, apiKey }: HttpLlmOptions & { signal: AbortSignal },
): Promise<PulledAnswer> {
  let request = first
  for (let adaptations = 0; ; adaptations++) {
    const { body, refusal } = await server.ask(protocol.toCall(request), signal)
    if (body) return body
    const adapted = protocol.onRefused?.(refusal, request)
    if (!adapted || adaptations === ADAPTATIONS) {
      throw toRefusalError({ ...refusal, text: redact(refusal.text, apiKey) })
    }
    request = adapted
  }
}

/**
 * The body as it comes, but once text was shown the next one is let gather for a while: a model that
 * says a word each 16 ms is not worth a way through the whole pipeline for each word.
 */
async function* readGathered(
  reply: ReplyStream,
  body: PulledAnswer,
  gatherMs: number,
): AsyncGenerator<Buffer> {
  for (let bytes = await body.read(); bytes; bytes = await body.read()) {
    yield bytes
    // Not after a part of a long event, which would then take as long as it has parts.
    if (!reply.hasShown || gatherMs === 0) continue
    reply.hasShown = false
    // Meanwhile nobody waits for the provider.
    reply.deadline.pause()
    await sleep(gatherMs)
    reply.deadline.resume()
  }
}

/**
 * The longest single event, in characters. Eight times what any known provider sends; above it the
 * reply ends with an error, never silently.
 */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024

/**
 * The events of a server-sent event stream, whatever way its bytes are cut; those that came with one
 * read come together. An event that is not ended by a blank line when the stream ends is dropped, as
 * the standard says: a stream is known to be whole by its terminator. Throws `LLM_TRUNCATED` for an
 * event over the cap, once what came before it has been delivered.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  maxLength: number = MAX_EVENT_LENGTH,
): AsyncGenerator<EventSourceMessage[]> {
  const ready: EventSourceMessage[] = []
  let overflow: Error | undefined
  const parser = createParser({
    maxBufferSize: maxLength,
    onEvent: (event) => ready.push(event),
    onError: ({ type }) => {
      if (type !== 'max-buffer-size-exceeded') return
      overflow = toCutError(`an event has more than ${maxLength} characters`)
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of body) {
    parser.feed(decoder.decode(bytes, { stream: true }))
    if (ready.length > 0) yield ready.splice(0)
    if (overflow) throw overflow
  }
}

/**
 * What the events of one read say, with texts in a row as one: each chunk's way through the pipeline
 * costs more than its text. What came before an event that fails is said all the same.
 */
function readChunks(
  reader: ReplyReader,
  events: EventSourceMessage[],
  apiKey: string | undefined,
): ReaderChunk[] {
  const chunks: ReaderChunk[] = []
  try {
    for (const { data } of events) {
      for (const chunk of reader.read(redact(data, apiKey))) addChunk(chunks, chunk)
    }
  } catch (thrown) {
    chunks.push({ type: 'failure', error: toTransportError(thrown, true) })
  }
  return chunks
}

function addChunk(chunks: ReaderChunk[], chunk: ReaderChunk): void {
  const last = chunks.at(-1)
  if (last?.type === 'text' && chunk.type === 'text') last.text += chunk.text
  else chunks.push(chunk)
}

function isBeginning(chunk: ReaderChunk): boolean {
  return chunk.type === 'text' || chunk.type === 'thinking'
}

/** What of `chunks` is for the caller. */
function* forCaller(chunks: ReaderChunk[], reply: ReplyStream): Generator<LlmChunk> {
  for (const chunk of chunks) {
    // Known before the chunk is handed on, for a caller that stops reading there.
    reply.isWhole ||= chunk.type === 'end'
    reply.hasShown ||= chunk.type === 'text'
    if (chunk.type === 'failure') throw chunk.error
    if (chunk.type !== 'thinking') yield chunk
    if (chunk.type === 'end') return
  }
}

function close({ body, reader, isWhole }: ReplyStream, server: ModelServer): void {
  if (!body) return
  if (isWhole) {
    body.release()
    return
  }
  body.drop()
  const stopCall = reader.toStopCall?.()
  if (stopCall) server.tell(stopCall)
}

function redact(text: string, apiKey: string | undefined): string {
  return apiKey ? text.replaceAll(apiKey, '[key]') : text
}
