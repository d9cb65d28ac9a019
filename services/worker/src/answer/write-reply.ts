import type { Usage } from '@chatbox/contract'
import {
  addUsage,
  backoffMs,
  LlmError,
  type AppError,
  type Llm,
  type LlmRequest,
  type ReplyOutcome,
} from '@chatbox/core'
import type { AnswerDeps } from './answer-deps.ts'
import type { Halt, HaltReason } from './halt.ts'
import type { ReplyLease } from './reply-lease.ts'
import { streamAttempt, type AttemptResult } from './stream-attempt.ts'
import { wait } from './wait.ts'
import { whileAway } from './while-away.ts'

export interface Writing {
  lease: ReplyLease
  halt: Halt
  modelId: string
  llm: Llm
  request: LlmRequest
  onFirstText: () => void
}

/** How the writing of a reply ended, before it is committed. */
export interface Written {
  status: ReplyOutcome['status']
  text: string
  error: AppError | undefined
  usage: Usage | undefined
}

export type WriteDeps = Pick<
  AnswerDeps,
  'conversationRefs' | 'bus' | 'clock' | 'metrics' | 'logger' | 'timing'
>

/**
 * Writes one reply, in as many attempts as the provider's failures, the number of tries and the time
 * allow. Every attempt begins from nothing under an epoch of its own. Undefined where the reply is
 * not this worker's to finish any more: lost, or to be handed over.
 */
export async function writeReply(deps: WriteDeps, writing: Writing): Promise<Written | undefined> {
  const { lease, halt } = writing
  const deadline = deps.clock.now().getTime() + deps.timing.replyTimeoutMs
  const timer = setTimeout(() => halt.raise('timeout'), deps.timing.replyTimeoutMs)
  let shown = ''
  let spent: Usage | undefined
  try {
    for (let tries = 1; ; tries++) {
      const result = await streamAttempt(deps, { ...writing, claim: lease.claim }, halt)
      // What an earlier attempt showed is kept where the later ones come to nothing.
      shown = result.text || shown
      recordAttempt(deps, writing, result)
      if (result.usage) spent = spent ? addUsage(spent, result.usage) : result.usage
      result.usage = spent
      const pauseMs = pauseBeforeRetry(deps, result, {
        tries,
        leftMs: deadline - deps.clock.now().getTime(),
      })
      if (halt.reason() || pauseMs === undefined) return toWritten(result, shown, halt.reason())
      await wait(pauseMs, halt.signal)
      if (halt.reason()) return toWritten(result, shown, halt.reason())
      if (!(await whileAway(deps, lease.lost, () => lease.raise()))) return undefined
    }
  } finally {
    clearTimeout(timer)
  }
}

/** How long to wait before another attempt; undefined where there is to be none. */
function pauseBeforeRetry(
  { clock, timing }: WriteDeps,
  { error, text }: AttemptResult,
  { tries, leftMs }: { tries: number; leftMs: number },
): number | undefined {
  if (!(error instanceof LlmError) || !error.retryable || tries >= timing.maxTries) return undefined
  // A reply that was cut has said something: a whole new one would cost more than it gives.
  if (error.code === 'LLM_TRUNCATED' && text !== '') return undefined
  const askedMs = error.retryAfterMs ?? 0
  const pauseMs = Math.max(
    askedMs,
    backoffMs(tries, timing.providerBackoff, () => clock.random()),
  )
  return askedMs <= timing.maxRetryAfterMs && pauseMs < leftMs ? pauseMs : undefined
}

function toWritten(
  { whole, error, usage }: AttemptResult,
  text: string,
  halted: HaltReason | undefined,
): Written | undefined {
  if (halted === 'lost') return undefined
  if (whole) return { status: 'complete', text, error: undefined, usage }
  if (halted === 'shutdown') return undefined
  if (halted === 'stop') return { status: 'stopped', text, error: undefined, usage }
  return toFailure(error ?? timedOut(), text, usage)
}

/** Without an error and a reason to halt, only the time can have ended the attempt. */
function timedOut(): AppError {
  return new LlmError('LLM_TIMEOUT', 'the time for all tries is over', { retryable: true })
}

function toFailure(error: AppError, text: string, usage: Usage | undefined): Written {
  return { status: text === '' ? 'failed' : 'incomplete', text, error, usage }
}

function recordAttempt(
  { logger, metrics }: WriteDeps,
  { lease, modelId }: Writing,
  { error, usage }: AttemptResult,
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
