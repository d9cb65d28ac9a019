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
import { openDeltaWriter } from './delta-writer.ts'
import type { PreparedRequest } from './prepare-request.ts'
import { whileAway, type ReplyLease } from './reply-lease.ts'
import { ReplyText } from './reply-text.ts'
import type { RunningReply } from './running-replies.ts'

export interface Generation extends PreparedRequest {
  task: ReplyTask
  lease: ReplyLease
  reply: RunningReply
}

/** How the generating of a reply ended, before it is committed. */
export interface GeneratedReply {
  status: ReplyOutcome['status']
  text: string
  error?: AppError | undefined
  usage?: Usage | undefined
}

/** One request to the provider, under an epoch of its own, and what has come of it. */
interface Attempt {
  text: ReplyText
  /** The provider said that the reply is whole. Without it and without an error it was aborted. */
  isWhole: boolean
  error: AppError | undefined
  usage: Usage | undefined
}

/**
 * Generates one reply, in as many attempts as the provider's failures, the number of tries and the time
 * allow. Every attempt begins from nothing. Undefined where the reply is not this worker's to finish
 * any more: lost, or to be handed over.
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
      // What an earlier attempt showed is kept where the later ones come to nothing.
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

function sumUsage(total: Usage | undefined, more: Usage | undefined): Usage | undefined {
  return total && more ? addUsage(total, more) : (more ?? total)
}

/** Notes how long the first text of a reply took, once over all of its attempts. */
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

/** How long to wait before another attempt; undefined where there is to be none. */
function pauseBeforeRetry(
  { clock, timing }: Context,
  { error, text }: Attempt,
  { tries, leftMs }: { tries: number; leftMs: number },
): number | undefined {
  if (!(error instanceof LlmError) || !error.retryable || tries >= timing.maxTries) return undefined
  // A reply that was cut has said something: a whole new one would cost more than it gives.
  if (error.code === 'LLM_TRUNCATED' && text.text !== '') return undefined
  const askedMs = error.retryAfterMs ?? 0
  const pauseMs = Math.max(
    askedMs,
    backoffMs(tries, timing.providerBackoff, () => clock.random()),
  )
  return askedMs <= timing.maxRetryAfterMs && pauseMs < leftMs ? pauseMs : undefined
}

/** What the last attempt makes of a reply of which `text` was shown. */
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

/** Without an error and another reason, only the time can have ended the attempt. */
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
  const cause = error instanceof LlmError ? { detail: error.detail } : { err: error }
  logger.warn(
    { sessionId, replyId, attempt: epoch, modelId, code: error.code, ...cause },
    'attempt failed',
  )
}

/**
 * Makes one attempt: its text goes out as deltas while it comes in. Answers with what there is when the
 * stream ends, fails or is aborted; never throws.
 */
async function streamAttempt(
  context: Context,
  generation: Generation,
  onText: () => void,
): Promise<Attempt> {
  const { task, lease, reply } = generation
  const text = new ReplyText(LIMITS.replyLength)
  const attempt: Attempt = { text, isWhole: false, error: undefined, usage: undefined }
  const writer = openDeltaWriter(context, {
    claim: lease.claim,
    modelId: task.modelId,
    onFenced: () => reply.abort('lost'),
  })
  const onShown = (shown: string) => {
    onText()
    writer.push(shown)
  }
  try {
    if (!reply.abortReason()) await readStream(context, { ...generation, attempt, onShown })
    if (attempt.isWhole && text.text === '') throw empty()
  } catch (thrown) {
    attempt.isWhole = false
    // What an aborted request throws is the abort.
    if (!reply.abortReason()) attempt.error = toAppError(thrown)
  }
  await writer.close()
  return attempt
}

interface Streaming extends Generation {
  attempt: Attempt
  onShown: (text: string) => void
}

async function readStream(context: Context, streaming: Streaming): Promise<void> {
  const { llm, request, reply, attempt } = streaming
  const stream = llm.streamReply(request, reply.signal)[Symbol.asyncIterator]()
  const nextOrAbort = untilAborted(stream, reply.signal)
  try {
    for (;;) {
      const next = await nextOrAbort()
      if (!next || reply.abortReason()) return
      if (next.done) throw cutOff('the stream ended without its terminator')
      attempt.isWhole = next.value.type === 'end'
      if (attempt.isWhole) return
      if (next.value.type === 'conversation') await saveRef(context, streaming.task, next.value.ref)
      else takeChunk(streaming, next.value)
      if (attempt.text.full) throw cutOff('the reply is longer than a message may be')
    }
  } finally {
    // Frees the request on every way out. Not awaited: a generator that hangs would hold us too.
    void stream.return?.().catch(() => undefined)
  }
}

function takeChunk({ attempt, onShown }: Streaming, chunk: LlmChunk): void {
  if (chunk.type === 'usage') attempt.usage = chunk.usage
  if (chunk.type !== 'text') return
  const shown = attempt.text.add(chunk.text)
  if (shown !== '') onShown(shown)
}

/**
 * The next chunk, or undefined as soon as the reply is aborted: a provider that does not heed the abort
 * must not hold up the stop of its reply. Racing each chunk against one promise would keep something of
 * every chunk until the end of the reply.
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

/** Nothing to read is no answer, whatever the provider says. */
function empty(): LlmError {
  return new LlmError('LLM_UNAVAILABLE', 'the reply is empty', { retryable: true })
}

function cutOff(detail: string): LlmError {
  return new LlmError('LLM_TRUNCATED', detail, { retryable: true })
}

/** Without it the provider only starts a conversation anew next time: no reason to lose the reply. */
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
