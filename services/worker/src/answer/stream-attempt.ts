import { LIMITS, type Usage } from '@chatbox/contract'
import {
  LlmError,
  toAppError,
  weighTokens,
  type AppError,
  type LlmChunk,
  type LlmWork,
  type ReplyTask,
} from '@chatbox/core'
import type { Context } from '../context.ts'
import { openDeltaWriter, type DeltaWriter } from './deltas/delta-writer.ts'
import type { PreparedRequest } from './prepare-request.ts'
import { raiseEpoch, type ReplyLease } from './reply-lease.ts'
import { ReplyText } from './reply-text.ts'
import type { RunningReply } from './running-replies.ts'

export interface Generation extends PreparedRequest {
  task: ReplyTask
  lease: ReplyLease
  reply: RunningReply
  /** The charges of attempts, which are awaited only when the reply is in the log. */
  charges: Promise<void>[]
}

/** One request to the provider, with its own epoch, and its result. */
export interface Attempt {
  text: ReplyText
  writer: DeltaWriter
  /** How often the provider took its text back. */
  replacements: number
  /** An estimate of that text. */
  takenBackTokens: number
  /** The provider has reported the end. Without it and without an error, it was aborted. */
  isWhole: boolean
  error: AppError | undefined
  usage: Usage | undefined
  /** The provider has sent anything. */
  hasBegun: boolean
  /** What the provider has done that no chunk shows. */
  work: LlmWork
}

/**
 * Makes one attempt and sends its text as deltas while it arrives. Returns the attempt when the
 * stream ends, fails or is aborted. Never throws.
 */
export async function streamAttempt(
  context: Context,
  generation: Generation,
  onText: () => void,
): Promise<Attempt> {
  const { reply } = generation
  const text = new ReplyText(LIMITS.replyLength)
  const writer = openWriter(context, generation)
  const ended = { isWhole: false, error: undefined, usage: undefined, hasBegun: false }
  const work = { isSent: false, hiddenTokens: 0 }
  const taken = { replacements: 0, takenBackTokens: 0 }
  const attempt: Attempt = { text, writer, ...taken, ...ended, work }
  try {
    if (!reply.abortReason()) await readFitting(context, { ...generation, attempt, onText })
    if (attempt.isWhole && attempt.text.text === '') throw empty()
  } catch (thrown) {
    attempt.isWhole = false
    // The error of an aborted request is only the abort.
    if (!reply.abortReason()) attempt.error = toAppError(thrown)
  }
  await attempt.writer.close()
  return attempt
}

function openWriter(context: Context, { task, lease, reply }: Generation): DeltaWriter {
  const onFenced = () => reply.abort('lost')
  return openDeltaWriter(context, { claim: lease.claim, modelId: task.modelId, onFenced })
}

interface Streaming extends Generation {
  attempt: Attempt
  onText: () => void
}

/** Reads the stream. If the history may be why a question is refused, asks with less of it. */
async function readFitting(context: Context, streaming: Streaming): Promise<void> {
  const { request, attempt, lease, task } = streaming
  try {
    await readStream(context, streaming)
  } catch (thrown) {
    const mayBeHistory = thrown instanceof LlmError && thrown.mayBeHistory
    if (!mayBeHistory || attempt.text.text !== '' || !request.shorten()) throw thrown
    const { sessionId, replyId } = lease.claim
    const messages = request.current.messages.length
    context.logger.info(
      { sessionId, replyId, modelId: task.modelId, code: thrown.code, messages },
      'refused by the model, asked with less history',
    )
    await readFitting(context, streaming)
  } finally {
    if (attempt.text.text !== '') request.accept()
  }
}

async function readStream(context: Context, streaming: Streaming): Promise<void> {
  const { llm, request, reply, attempt } = streaming
  const { work } = attempt
  work.isSent = false
  const asked = { ...request.current, work }
  const stream = llm.streamReply(asked, reply.signal)[Symbol.asyncIterator]()
  const nextOrAbort = untilAborted(stream, reply.signal)
  try {
    for (;;) {
      const next = await nextOrAbort()
      if (!next || reply.abortReason()) return
      if (next.done) throw cutOff('the stream ended without its terminator')
      attempt.hasBegun = true
      attempt.isWhole = next.value.type === 'end'
      if (attempt.isWhole) return
      await takeChunk(context, streaming, next.value)
      if (attempt.text.full) throw cutOff('the reply is longer than a message may be')
    }
  } finally {
    // Ends the request on every exit. Not awaited, because a generator may hang.
    void stream.return?.().catch(() => undefined)
  }
}

async function takeChunk(context: Context, streaming: Streaming, chunk: LlmChunk): Promise<void> {
  const { attempt, task } = streaming
  if (chunk.type === 'text') addText(streaming, chunk.text)
  if (chunk.type === 'usage') attempt.usage = chunk.usage
  if (chunk.type === 'conversation') await saveRef(context, task, chunk.ref)
  if (chunk.type === 'replacement') await replaceText(context, streaming, chunk.text)
}

function addText({ attempt, onText }: Streaming, text: string): void {
  const shown = attempt.text.add(text)
  if (shown === '') return
  onText()
  attempt.writer.push(shown)
}

/** How often a provider may take its text back within one attempt. Each time costs a write. */
const MAX_REPLACEMENTS = 5

/**
 * Replaces the text that the provider took back. Viewers get the new text as a higher attempt. The
 * draft is dropped first, so that the old text is nowhere once this has resolved.
 */
async function replaceText(context: Context, streaming: Streaming, text: string): Promise<void> {
  const { attempt, lease } = streaming
  const shown = attempt.text.text
  if (text.startsWith(shown)) {
    addText(streaming, text.slice(shown.length))
    return
  }
  if (++attempt.replacements > MAX_REPLACEMENTS) throw cutOff('the text was replaced too often')
  attempt.text = new ReplyText(LIMITS.replyLength)
  attempt.takenBackTokens += weighTokens(shown)
  await attempt.writer.abandon()
  const { sessionId, replyId, epoch } = lease.claim
  await context.bus.dropDraft({ sessionId, replyId, attempt: epoch })
  // The reply is aborted, and this text goes nowhere.
  if (!(await raiseEpoch(context, streaming))) return
  attempt.writer = openWriter(context, streaming)
  addText(streaming, text)
}

/**
 * Returns the next chunk, or undefined as soon as the reply is aborted, because a provider that
 * ignores the abort must not delay the stop. Racing each chunk against one promise would keep
 * memory for every chunk until the end of the reply.
 */
function untilAborted(
  stream: AsyncIterator<LlmChunk>,
  signal: AbortSignal,
): () => Promise<IteratorResult<LlmChunk> | undefined> {
  let leave: () => void = () => undefined
  signal.addEventListener('abort', () => leave(), { once: true })
  return () =>
    new Promise((resolve, reject) => {
      leave = () => resolve(undefined)
      if (signal.aborted) leave()
      else stream.next().then(resolve, reject)
    })
}

/** An empty reply is a failure, whatever the provider says. */
function empty(): LlmError {
  return new LlmError('LLM_UNAVAILABLE', 'the reply is empty', { retryable: true })
}

function cutOff(detail: string): LlmError {
  return new LlmError('LLM_TRUNCATED', detail, { retryable: true })
}

/** A failure only makes the provider start a new conversation next time. */
async function saveRef(
  { conversationRefs, logger }: Context,
  { sessionId, modelId }: ReplyTask,
  ref: string,
): Promise<void> {
  try {
    await conversationRefs.save(sessionId, modelId, ref)
  } catch (error) {
    logger.warn({ sessionId, err: error }, 'conversation reference not saved')
  }
}
