import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Llm, LlmChunk, LlmRequest } from '@chatbox/core'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { Protocol, ReaderChunk, ReplyReader } from '../protocols/protocol.ts'
import type { ModelServer, PulledAnswer } from './model-server.ts'
import { toCutError, toRefusalError, toTransportError } from './provider-error.ts'
import { ReplyDeadline, type LlmTimeouts } from './reply-deadline.ts'
import { isTooLong } from './refused-input.ts'

export interface HttpLlmOptions {
  server: ModelServer
  timeouts: LlmTimeouts
  /** How long text may gather before it is read; 0 reads it as it arrives. */
  gatherMs: number
  /** Removed from every text of the provider. */
  apiKey: string | undefined
}

/** The state of one incoming reply. */
interface ReplyStream {
  deadline: ReplyDeadline
  reader: ReplyReader
  body: PulledAnswer | undefined
  /** The provider has reported the end; anything after it is ignored. */
  isWhole: boolean
  /** Text has arrived since the last wait for more. */
  hasShown: boolean
}

/** Creates a model that is asked over HTTP and replies with an event stream. */
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
          // The deadline resumes when the caller has taken these chunks.
          deadline.pause()
          if (chunks.some(isBeginning)) deadline.begun()
          yield* forCaller(chunks, reply)
          if (reply.isWhole) return
          deadline.resume()
        }
        yield* forCaller(reader.finish?.() ?? [], reply)
        if (!reply.isWhole) throw toCutError('the stream ended before the reply did')
      } catch (error) {
        // Any error after an abort is caused by the abort.
        deadline.signal.throwIfAborted()
        throw toTransportError(error, reply.body !== undefined)
      } finally {
        deadline.stop()
        close(reply, server)
      }
    },
  }
}

/** How often a refused question is asked again in another form. */
const ADAPTATIONS = 4

async function ask(
  protocol: Protocol,
  first: LlmRequest,
  { server, signal, apiKey }: HttpLlmOptions & { signal: AbortSignal },
): Promise<PulledAnswer> {
  let request = first
  let call = protocol.toCall(request)
  for (let adaptations = 0; ; adaptations++) {
    const { body, refusal } = await server.ask(call, signal)
    if (body) return body
    const adapted = isTooLong(refusal) ? undefined : protocol.onRefused?.(refusal, request)
    const next = adapted && protocol.toCall(adapted)
    // What the refusal teaches may be what this call already heeded.
    if (!next || isDeepStrictEqual(next.body, call.body) || adaptations === ADAPTATIONS) {
      throw toRefusalError({ ...refusal, text: redact(refusal.text, apiKey) })
    }
    request = adapted
    call = next
  }
}

/**
 * Reads the body. Once text was shown, the next text may gather for a while, because a word every
 * 16 ms is not worth a pass through the whole pipeline.
 */
async function* readGathered(
  reply: ReplyStream,
  body: PulledAnswer,
  gatherMs: number,
): AsyncGenerator<Buffer> {
  for (let bytes = await body.read(); bytes; bytes = await body.read()) {
    yield bytes
    // A long event is read without waits, which would add up over its parts.
    if (!reply.hasShown || gatherMs === 0) continue
    reply.hasShown = false
    // Time spent here is not the provider's.
    reply.deadline.pause()
    await sleep(gatherMs)
    reply.deadline.resume()
  }
}

/**
 * The maximum length of an event in characters, eight times the longest of any known provider. A
 * longer event ends the reply with an error, never silently.
 */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024

/**
 * Parses a server-sent event stream, however its bytes are split. Events from one read arrive
 * together. An event without a blank line at the end of the stream is dropped, as the standard
 * requires; the protocol's terminator shows whether a stream is complete. Throws `LLM_TRUNCATED`
 * for an event above the limit, after the earlier events have been delivered.
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
 * Converts the events of one read into chunks and merges adjacent texts, because passing a chunk
 * through the pipeline costs more than its text. Chunks before a failing event are kept.
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

/** Yields the chunks that the caller gets. */
function* forCaller(chunks: ReaderChunk[], reply: ReplyStream): Generator<LlmChunk> {
  for (const chunk of chunks) {
    // Set before the chunk is passed on, because a caller may stop reading there.
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
