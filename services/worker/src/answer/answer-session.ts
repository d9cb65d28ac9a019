import type { JobPayload, Usage } from '@chatbox/contract'
import { AppError, toErrorInfo, type ReplyTask, type ReplyOutcome } from '@chatbox/core'
import type { AnswerDeps } from './answer-deps.ts'
import { Halt } from './halt.ts'
import { materialiseCommitted, materialiseReply } from './materialise-reply.ts'
import { produceReply, type Production } from './produce-reply.ts'
import { ReplyLease } from './reply-lease.ts'
import { whileAway } from './while-away.ts'
import type { Written } from './write-reply.ts'

/**
 * How the run of a job ended. `lost` and `taken`: another worker has the question and settles it, or
 * the reconciler finds it.
 */
export type AnswerResult = 'answered' | 'cancelled' | 'nothing-open' | 'taken' | 'lost'

const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0, totalTokens: 0 }

interface Run {
  job: JobPayload<'answer-session'>
  signal: AbortSignal
}

/**
 * Answers the one question of a session that may be answered: claims it, streams the reply, commits it
 * once and puts it into the log. Where more questions wait, the session goes behind the others in the
 * queue. A worker may die at any point of this: another one finds the question where this one left it.
 * `signal` gives the question back and rejects as retryable, so that the queue passes the job on.
 */
export async function answerSession(
  deps: AnswerDeps,
  job: JobPayload<'answer-session'>,
  signal: AbortSignal,
): Promise<AnswerResult> {
  const open = await deps.replies.findOpen(job.sessionId)
  if (!open) return 'nothing-open'
  if (open.state === 'committed') {
    await materialiseCommitted(deps, open)
  } else {
    const result = await claimAndAnswer(deps, open, { job, signal })
    if (result !== 'answered') return result
  }
  await enqueueNext(deps, job.sessionId)
  return 'answered'
}

async function claimAndAnswer(deps: AnswerDeps, open: ReplyTask, run: Run): Promise<AnswerResult> {
  const halt = new Halt()
  const onShutdown = () => halt.raise('shutdown')
  // Watched before the claim: a stop between the two would be noticed only with the next renewal.
  const unwatch = deps.running.watch(open.replyId, () => halt.raise('stop'))
  run.signal.addEventListener('abort', onShutdown)
  try {
    if (run.signal.aborted) throw handingOver()
    const { leaseMs, silenceMs } = deps.timing
    const claimed = await deps.replies.claim(open, leaseMs)
    if (!claimed) return 'taken'
    if (open.state === 'running') deps.metrics.replyTakenOver()
    const onLost = () => deps.metrics.leaseLost()
    const lease = new ReplyLease({ replies: deps.replies, onLost }, halt, {
      claim: claimed,
      leaseMs,
      silenceMs,
    })
    return await answerClaimed(deps, { claimed, lease, halt, requestId: run.job.requestId })
  } finally {
    run.signal.removeEventListener('abort', onShutdown)
    unwatch()
  }
}

async function answerClaimed(deps: AnswerDeps, production: Production): Promise<AnswerResult> {
  const { lease, halt } = production
  deps.metrics.repliesRunning(1)
  try {
    const written = await produceReply(deps, production)
    if (written === 'cancelled') return written
    if (written) return await commit(deps, production, toOutcome(deps, production, written))
    if (halt.reason() === 'shutdown') throw handingOver()
    lease.lose()
    return 'lost'
  } catch (thrown) {
    lease.end()
    await release(deps, lease)
    throw thrown
  } finally {
    deps.metrics.repliesRunning(-1)
    lease.end()
  }
}

function toOutcome(
  deps: AnswerDeps,
  { claimed, requestId }: Production,
  { status, text, error, usage }: Written,
): ReplyOutcome {
  // This worker's own attempts are counted from the claim on, which was one itself.
  const unknownAttempts = claimed.attempts - 1
  const spent = unknownAttempts > 0 ? { ...(usage ?? NO_USAGE), unknownAttempts } : usage
  return {
    status,
    content: text,
    modelId: claimed.modelId,
    finishedAt: deps.clock.now().toISOString(),
    ...(error ? { error: toErrorInfo(error, requestId) } : {}),
    ...(spent ? { usage: spent } : {}),
  }
}

async function commit(
  deps: AnswerDeps,
  production: Production,
  outcome: ReplyOutcome,
): Promise<AnswerResult> {
  const { claimed, lease } = production
  // Beyond the lease too: while the store is away nobody else can have claimed the question, and
  // where somebody has by the time it is back, the commit is refused.
  const patience = AbortSignal.timeout(deps.timing.commitPatienceMs)
  const result = await whileAway(deps, patience, () => deps.replies.commit(lease.claim, outcome))
  switch (result) {
    case 'committed': {
      const reply = { ...claimed, epoch: lease.claim.epoch }
      await materialiseReply(deps, { reply, outcome })
      return 'answered'
    }
    case 'stop-requested':
      return commit(deps, production, { ...outcome, status: 'stopped' })
    case 'lost':
      return fenced(deps, production)
  }
}

function fenced({ metrics, logger }: AnswerDeps, { lease }: Production): AnswerResult {
  const { sessionId, replyId, epoch } = lease.claim
  metrics.writeFenced()
  lease.lose()
  logger.warn({ sessionId, replyId, attempt: epoch }, 'reply refused: a later attempt owns it')
  return 'lost'
}

/** Lets another worker begin before the lease runs out; where it fails, that is all that is lost. */
async function release({ replies, logger }: AnswerDeps, { claim }: ReplyLease): Promise<void> {
  try {
    await replies.release(claim)
  } catch (error) {
    logger.warn({ sessionId: claim.sessionId, replyId: claim.replyId, err: error }, 'not released')
  }
}

function handingOver(): AppError {
  return new AppError('UNAVAILABLE', 'This worker is being stopped.')
}

/** A failure here costs seconds: the reconciler finds the question too. */
async function enqueueNext(deps: AnswerDeps, sessionId: string): Promise<void> {
  try {
    if (!(await deps.replies.findOpen(sessionId))) return
    const requestId = deps.clock.newId()
    await deps.queue.enqueue('answer-session', { v: 1, sessionId, requestId })
  } catch (error) {
    deps.logger.warn({ sessionId, err: error }, 'next question not enqueued')
  }
}
