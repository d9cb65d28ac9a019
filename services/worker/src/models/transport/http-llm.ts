import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Llm, LlmChunk, LlmRequest, LlmWork } from '@chatbox/core'
import type { Protocol, ReplyReader } from '../protocols/protocol.ts'
import { ReplyMeaning, type ReplyChunk } from '../meaning/reply-meaning.ts'
import { readEvents, type StreamEvent } from './event-stream.ts'
import type { ModelServer, PulledAnswer } from './model-server.ts'
import { toCutError, toRefusalError, toTransportError } from './provider-error.ts'
import { ReplyDeadline, type LlmTimeouts } from './reply-deadline.ts'
import { isTooLong } from './refused-input.ts'

export interface HttpLlmOptions {
  server: ModelServer
  timeouts: LlmTimeouts
  /** Returns how long text may gather before it is read; 0 reads it as it arrives. */
  gatherMs: () => number
  /** Removed from every text of the provider. */
  apiKey: string | undefined
}

/** The state of one incoming reply. */
interface ReplyStream {
  deadline: ReplyDeadline
  reader: ReplyReader
  meaning: ReplyMeaning
  body: PulledAnswer | undefined
  /** The provider has reported the end; anything after it is ignored. */
  isWhole: boolean
  /** Text has arrived since the last wait for more. */
  hasShown: boolean
}

/** Creates a model that is asked over HTTP and replies with an event stream. */
export function createHttpLlm(protocol: Protocol, options: HttpLlmOptions): Llm {
  return {
    async *streamReply(request, signal) {
      const reply = begin(protocol, request, new ReplyDeadline(signal, options.timeouts))
      try {
        yield* readReply(protocol, reply, { ...options, request })
        yield* forCaller(reply.meaning.finish(), reply)
        if (!reply.isWhole) throw toCutError('the stream ended before the reply did')
      } catch (error) {
        signal.throwIfAborted()
        // What failed after the reason for the end was only the rest of the stream.
        if (reply.meaning.hasEnding) yield* forCaller(reply.meaning.finish(), reply)
        if (reply.isWhole) return
        // Any error after a timeout is caused by it.
        reply.deadline.signal.throwIfAborted()
        throw toTransportError(error, reply.body !== undefined)
      } finally {
        reply.deadline.stop()
        close(reply, options.server)
      }
    },
  }
}

function begin(protocol: Protocol, request: LlmRequest, deadline: ReplyDeadline): ReplyStream {
  const reader = protocol.createReader(request)
  const meaning = new ReplyMeaning(reader)
  return { deadline, reader, meaning, body: undefined, isWhole: false, hasShown: false }
}

async function* readReply(
  protocol: Protocol,
  reply: ReplyStream,
  options: HttpLlmOptions & { request: LlmRequest },
): AsyncGenerator<LlmChunk> {
  const { deadline, meaning } = reply
  const { signal } = deadline
  signal.throwIfAborted()
  deadline.resume()
  reply.body = await ask(protocol, options.request, { ...options, signal })
  for await (const events of readEvents(readGathered(reply, reply.body, options.gatherMs))) {
    const chunks = readChunks(meaning, events, options.apiKey)
    noteThinking(chunks, options.request.work)
    if (meaning.hasEnding) deadline.ending()
    if (chunks.length === 0) continue
    // The deadline resumes when the caller has taken these chunks.
    deadline.pause()
    if (chunks.some(isBeginning)) deadline.begun()
    yield* forCaller(chunks, reply)
    if (reply.isWhole) return
    deadline.resume()
  }
}

/** How often a refused question is asked again in another form. */
const ADAPTATIONS = 4

async function ask(
  protocol: Protocol,
  first: LlmRequest,
  { server, signal, apiKey }: HttpLlmOptions & { signal: AbortSignal },
): Promise<PulledAnswer> {
  const { work } = first
  const onSent = (): void => {
    if (work) work.isSent = true
  }
  let request = first
  let call = protocol.toCall(request)
  const refused: object[] = []
  for (;;) {
    const { body, refusal } = await server.ask(call, signal, onSent)
    if (body) return body
    if (work) work.isSent = false
    refused.push(call.body)
    const adapted = isTooLong(refusal) ? undefined : protocol.onRefused?.(refusal, request, call)
    const next = adapted && protocol.toCall(adapted)
    // What a refusal teaches may be what an earlier one has forbidden.
    const isNew = next && !refused.some((earlier) => isDeepStrictEqual(earlier, next.body))
    if (!isNew || refused.length > ADAPTATIONS) {
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
  gatherMs: () => number,
): AsyncGenerator<Buffer> {
  for (let bytes = await body.read(); bytes; bytes = await body.read()) {
    reply.deadline.alive()
    yield bytes
    // A long event is read without waits, which would add up over its parts.
    const waitMs = reply.hasShown ? gatherMs() : 0
    if (waitMs === 0) continue
    reply.hasShown = false
    // Time spent here is not the provider's.
    reply.deadline.pause()
    await sleep(waitMs)
    reply.deadline.resume()
  }
}

/**
 * Converts the events of one read into chunks and merges adjacent texts, because passing a chunk
 * through the pipeline costs more than its text. Chunks before a failing event are kept.
 */
function readChunks(
  meaning: ReplyMeaning,
  events: StreamEvent[],
  apiKey: string | undefined,
): ReplyChunk[] {
  const chunks: ReplyChunk[] = []
  try {
    for (const event of events) {
      const read = meaning.read({ ...event, data: redact(event.data, apiKey) })
      for (const chunk of read) addChunk(chunks, chunk)
    }
  } catch (thrown) {
    chunks.push({ type: 'failure', error: toTransportError(thrown, true) })
  }
  return chunks
}

function addChunk(chunks: ReplyChunk[], chunk: ReplyChunk): void {
  const last = chunks.at(-1)
  if (last && 'text' in last && chunk.type === 'text') last.text += chunk.text
  else chunks.push(chunk)
}

function noteThinking(chunks: ReplyChunk[], work: LlmWork | undefined): void {
  if (!work) return
  for (const chunk of chunks) if (chunk.type === 'thinking') work.hiddenTokens += chunk.tokens
}

function isBeginning(chunk: ReplyChunk): boolean {
  return 'text' in chunk || chunk.type === 'thinking'
}

/** Yields the chunks that the caller gets. */
function* forCaller(chunks: ReplyChunk[], reply: ReplyStream): Generator<LlmChunk> {
  for (const chunk of chunks) {
    // Set before the chunk is passed on, because a caller may stop reading there.
    reply.isWhole ||= chunk.type === 'end'
    reply.hasShown ||= 'text' in chunk
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
