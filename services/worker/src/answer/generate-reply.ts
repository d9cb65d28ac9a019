import { setTimeout as sleep } from 'node:timers/promises'
import { LIMITS, type Usage } from '@chatbox/contract'
import {
  addUsage,
  backoffMs,
  LlmError,
  toAppError,
  type AppError,
  type LlmChunk,
  type ReplyOutcome,
  type ReplyTask,
} from '@chatbox/core'
import type { Context } from '../context.ts'
import { chargeAttempt, type EndedAttempt } from '../budget/charge-attempt.ts'
import { openDeltaWriter, type DeltaWriter } from './deltas/delta-writer.ts'
import type { PreparedRequest } from './prepare-request.ts'
import { whileAway, type ReplyLease } from './reply-lease.ts'
import { ReplyText } from './reply-text.ts'
import type { RunningReply } from './running-replies.ts'

export interface Generation extends PreparedRequest {
  task: ReplyTask
  lease: ReplyLease
  reply: RunningReply
}

/** The result of generating a reply, before the commit. */
export interface GeneratedReply {
  status: ReplyOutcome['status']
  text: string
  error?: AppError | undefined
  usage?: Usage | undefined
}

/** One request to the provider, with its own epoch, and its result. */
interface Attempt {
  text: ReplyText
  writer: DeltaWriter
  /** How often the provider took its text back. */
  replacements: number
  /** The provider has reported the end. Without it and without an error, it was aborted. */
  isWhole: boolean
  error: AppError | undefined
  usage: Usage | undefined
  /** The provider has sent anything. */
  hasBegun: boolean
}

/**
 * Generates one reply. Retries passing failures of the provider until the limits of tries and time.
 * Every attempt starts from nothing. Returns undefined if this worker must not finish the reply:
 * the claim is lost, or the reply is handed over.
 */
export async function generateReply(
  context: Context,
  generation: Generation,
): Promise<GeneratedReply | undefined> {
  const { lease, reply } = generation
  const { replyTimeoutMs } = context.timing
  const endsAt = performance.now() + replyTimeoutMs
  const timer = setTimeout(() => reply.abort('timeout'), replyTimeoutMs)
  const onText = createFirstTextWatch(context, generation.task)
  let text = ''
  let usage: Usage | undefined
  try {
    for (let tries = 1; ; tries++) {
      const attempt = await streamAttempt(context, generation, onText)
      recordAttempt(context, generation, attempt)
      await chargeAttempt(context, toEnded(generation, attempt))
      // The text of an earlier attempt is kept if later ones produce none.
      text = attempt.text.text || text
      usage = sumUsage(usage, attempt.usage)
      const pauseMs = pauseBeforeRetry(context, attempt, {
        tries,
        leftMs: endsAt - performance.now(),
      })
      if (pauseMs === undefined) return toReply(attempt, { text, usage }, reply)
      await sleep(pauseMs, undefined, { signal: reply.signal }).catch(() => undefined)
      if (reply.abortReason()) return toReply(attempt, { text, usage }, reply)
      if (!(await whileAway(context, lease.lost, () => lease.raise()))) return undefined
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Errors with which a provider takes no request, unless its reply has begun. */
const FREE: ReadonlySet<unknown> = new Set(['LLM_UNAVAILABLE', 'LLM_TOO_LONG'])

function toEnded(
  { lease: { claim }, task: { payer }, prices, request }: Generation,
  { text: { text }, isWhole, error, usage, hasBegun }: Attempt,
): EndedAttempt {
  const isRefused = FREE.has(error?.code) && !hasBegun
  const id = `${claim.replyId}:${claim.epoch}`
  return { id, payer, prices, request: request.current, text, isWhole, isRefused, usage }
}

function sumUsage(total: Usage | undefined, more: Usage | undefined): Usage | undefined {
  return total && more ? addUsage(total, more) : (more ?? total)
}

/** Records the time to the first text of a reply, once for all attempts. */
function createFirstTextWatch(
  { clock, metrics }: Context,
  { modelId, askedAt }: ReplyTask,
): () => void {
  let isNoted = false
  return () => {
    if (isNoted) return
    isNoted = true
    const seconds = (clock.now().getTime() - Date.parse(askedAt)) / 1000
    metrics.firstDelta(modelId, Math.max(0, seconds))
  }
}

/** Returns the pause before the next attempt, or undefined if there is none. */
function pauseBeforeRetry(
  { clock, timing }: Context,
  { error, text }: Attempt,
  { tries, leftMs }: { tries: number; leftMs: number },
): number | undefined {
  if (!(error instanceof LlmError) || !mayHelp(error, text)) return undefined
  if (tries >= timing.maxTries) return undefined
  const askedMs = error.retryAfterMs ?? 0
  const pauseMs = Math.max(
    askedMs,
    backoffMs(tries, timing.providerBackoff, () => clock.random()),
  )
  return askedMs <= timing.maxRetryAfterMs && pauseMs < leftMs ? pauseMs : undefined
}

/** Returns whether another attempt may end better than the one with this error and text. */
function mayHelp(error: LlmError, { text }: ReplyText): boolean {
  // The provider has worked on the question and would take as long again, or the question could not
  // wait for the provider's limit.
  if (error.code === 'LLM_TIMEOUT' || error.isLimit) return false
  // A reply that was cut has already shown text. A whole new reply would cost more than it gains.
  return error.retryable && (error.code !== 'LLM_TRUNCATED' || text === '')
}

/** Builds the reply from the last attempt and the shown text. */
function toReply(
  { isWhole, error }: Attempt,
  { text, usage }: Pick<GeneratedReply, 'text' | 'usage'>,
  reply: RunningReply,
): GeneratedReply | undefined {
  const abortReason = reply.abortReason()
  if (abortReason === 'lost') return undefined
  if (isWhole) return { status: 'complete', text, usage }
  if (abortReason === 'shutdown') return undefined
  if (abortReason === 'stop') return { status: 'stopped', text, usage }
  const status = text === '' ? 'failed' : 'incomplete'
  return { status, text, usage, error: error ?? timedOut() }
}

/** An attempt without an error or another abort reason can only have run out of time. */
function timedOut(): AppError {
  return new LlmError('LLM_TIMEOUT', 'the time for all attempts is over', { retryable: true })
}

function recordAttempt(
  { logger, metrics }: Context,
  { lease, task: { modelId } }: Generation,
  { error, usage }: Attempt,
): void {
  if (usage) metrics.tokensUsed(modelId, usage.promptTokens, usage.completionTokens)
  if (!error) return
  const { sessionId, replyId, epoch } = lease.claim
  const ids = { sessionId, replyId, attempt: epoch, modelId }
  const cause = error instanceof LlmError ? { detail: error.detail } : { err: error }
  logger.warn({ ...ids, code: error.code, ...cause }, 'attempt failed')
  if (error instanceof LlmError && error.said !== undefined) {
    logger.debug({ ...ids, said: error.said }, 'what the provider said')
  }
}

/**
 * Makes one attempt and sends its text as deltas while it arrives. Returns the attempt when the
 * stream ends, fails or is aborted. Never throws.
 */
async function streamAttempt(
  context: Context,
  generation: Generation,
  onText: () => void,
): Promise<Attempt> {
  const { reply } = generation
  const text = new ReplyText(LIMITS.replyLength)
  const writer = openWriter(context, generation)
  const ended = { isWhole: false, error: undefined, usage: undefined, hasBegun: false }
  const attempt: Attempt = { text, writer, replacements: 0, ...ended }
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
  const stream = llm.streamReply(request.current, reply.signal)[Symbol.asyncIterator]()
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
  await attempt.writer.abandon()
  const { sessionId, replyId } = lease.claim
  await context.bus.dropDraft(sessionId, replyId)
  // If the claim is lost, the reply is aborted, and its text goes nowhere.
  if (!(await whileAway(context, lease.lost, () => lease.raise()))) return
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
