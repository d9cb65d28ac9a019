import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Llm, LlmChunk, LlmRequest } from '@chatbox/core'
import type { EventSourceMessage } from 'eventsource-parser'
import { startDeadline, type Deadline } from './deadline.ts'
import { readEvents } from './event-stream.ts'
import { LLM_LIMITS, type LlmTimeouts } from '../llm-limits.ts'
import { releaseBody, type ModelServer } from './model-server.ts'
import type { Protocol, ReaderChunk, ReplyReader } from '../protocols/protocol.ts'
import { toCutError, toRefusalError, toTransportError } from './provider-error.ts'
import type { PulledAnswer } from './pulled-answer.ts'

export interface HttpLlmDeps {
  server: ModelServer
  clock: Pick<Clock, 'now'>
  timeouts: LlmTimeouts
  /** For how long text may gather before it is read; 0 reads it as it comes. */
  gatherMs: number
  /** Taken out of everything that a provider says. */
  apiKey: string | undefined
}

interface ResponseStream {
  reader: ReplyReader
  body: PulledAnswer | undefined
  /** The provider said so; what it may still send is of no interest. */
  whole: boolean
  /** Text came since the last wait for more. */
  hasShown: boolean
}

/** A model that is asked over HTTP and answers with an event stream, whatever its protocol. */
export function createHttpLlm(protocol: Protocol, deps: HttpLlmDeps): Llm {
  return {
    async *streamReply(request, signal) {
      const deadline = startDeadline(signal, deps.timeouts)
      const reply = openReply(protocol.createReader(request))
      try {
        deadline.signal.throwIfAborted()
        deadline.resume()
        reply.body = await ask(protocol, request, { ...deps, signal: deadline.signal })
        const gathering = { deadline, gatherMs: deps.gatherMs }
        for await (const events of readEvents(readGathered(reply.body, reply, gathering))) {
          const chunks = readChunks(reply.reader, events, deps.apiKey)
          if (chunks.length === 0) continue
          noteSigns(deadline, chunks)
          for (const chunk of forReader(chunks, reply)) yield chunk
          if (reply.whole) return
          deadline.resume()
        }
        for (const chunk of forReader(reply.reader.finish?.() ?? [], reply)) yield chunk
        if (!reply.whole) throw toCutError('the stream ended before the reply did')
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

function openReply(reader: ReplyReader): ResponseStream {
  return { reader, body: undefined, whole: false, hasShown: false }
}

/**
 * The body as it comes, but once text was shown the next one is let gather for a while: a model that
 * says a word each 16 ms is not worth a way through the whole pipeline for each word.
 */
async function* readGathered(
  body: PulledAnswer,
  reply: ResponseStream,
  { deadline, gatherMs }: { deadline: Deadline; gatherMs: number },
): AsyncGenerator<Buffer> {
  for (;;) {
    const bytes = await body.read()
    if (!bytes) return
    yield bytes
    // Not after a part of a long event, which would then take as long as it has parts.
    if (!reply.hasShown || gatherMs === 0) continue
    reply.hasShown = false
    // Meanwhile nobody waits for the provider.
    deadline.pause()
    await sleep(gatherMs)
    deadline.resume()
  }
}

async function ask(
  protocol: Protocol,
  first: LlmRequest,
  deps: HttpLlmDeps & { signal: AbortSignal },
): Promise<PulledAnswer> {
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

/** What of `chunks` is for the reader of the reply. */
function* forReader(chunks: ReaderChunk[], reply: ResponseStream): Generator<LlmChunk> {
  for (const chunk of chunks) {
    // Known before the chunk is handed on, for a reader that stops reading there.
    reply.whole ||= chunk.type === 'end'
    reply.hasShown ||= chunk.type === 'text'
    if (chunk.type === 'failure') throw chunk.error
    if (chunk.type !== 'thinking') yield chunk
    if (chunk.type === 'end') return
  }
}

/** What is to come is waited for again once the reader has taken these. */
function noteSigns(deadline: Deadline, chunks: ReaderChunk[]): void {
  deadline.pause()
  if (chunks.some(isBeginning)) deadline.begun()
}

function isBeginning(chunk: ReaderChunk): boolean {
  return chunk.type === 'text' || chunk.type === 'thinking'
}

function close(reply: ResponseStream, server: ModelServer): void {
  if (!reply.body) return
  if (reply.whole) {
    releaseBody(reply.body)
    return
  }
  reply.body.drop()
  const stopCall = reply.reader.toStopCall?.()
  if (stopCall) server.tell(stopCall)
}

function redact(text: string, apiKey: string | undefined): string {
  return apiKey ? text.replaceAll(apiKey, '[key]') : text
}
