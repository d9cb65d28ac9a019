import { setTimeout as sleep } from 'node:timers/promises'
import type { Usage } from '@chatbox/contract'
import { addUsage, LlmError, type AppError, type ReplyOutcome, type ReplyTask } from '@chatbox/core'
import type { Context } from '../context.ts'
import { chargeAttempt, type EndedAttempt } from '../budget/charge-attempt.ts'
import { pauseBeforeRetry } from './pause-before-retry.ts'
import { raiseEpoch } from './reply-lease.ts'
import type { RunningReply } from './running-replies.ts'
import { streamAttempt, type Attempt, type Generation } from './stream-attempt.ts'

/** The result of generating a reply, before the commit. */
export interface GeneratedReply {
  status: ReplyOutcome['status']
  text: string
  error?: AppError | undefined
  usage?: Usage | undefined
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
  const { reply } = generation
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
      generation.charges.push(chargeAttempt(context, toEnded(generation, attempt)))
      // The text of an earlier attempt is kept if later ones produce none.
      text = attempt.text.text || text
      usage = sumUsage(usage, attempt.usage)
      const pauseMs = pauseBeforeRetry(context, attempt, {
        tries,
        leftMs: endsAt - performance.now(),
      })
      if (pauseMs === undefined) return toReply(attempt, { text, usage }, reply)
      await sleep(pauseMs, undefined, { signal: reply.signal }).catch(() => undefined)
      if (!(await raiseEpoch(context, generation))) return toReply(attempt, { text, usage }, reply)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Errors with which a provider takes no request, unless it has begun to work on it. */
const FREE: ReadonlySet<unknown> = new Set(['LLM_UNAVAILABLE', 'LLM_TOO_LONG'])

function toEnded(
  { lease: { claim }, task: { payer }, prices, request }: Generation,
  { text: { text }, takenBackTokens, isWhole, error, usage, hasBegun, work }: Attempt,
): EndedAttempt {
  const isFree = !work.isSent || FREE.has(error?.code)
  return {
    id: `${claim.replyId}:${claim.epoch}`,
    payer,
    prices,
    request: request.current,
    text,
    hiddenTokens: work.hiddenTokens + takenBackTokens,
    isWhole,
    isTaken: hasBegun || work.hiddenTokens > 0 || !isFree,
    usage,
  }
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
