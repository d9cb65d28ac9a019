import type { JobPayload } from '@chatbox/contract'
import { AppError, toErrorInfo, type ReplyTask, type ReplyOutcome } from '@chatbox/core'
import type { AnswerDeps } from './answer-deps.ts'
import { enqueueAnswer } from './enqueue-answer.ts'
import { Halt } from './halt.ts'
import { materialiseReply } from './materialise-reply.ts'
import { produceReply, type Production } from './produce-reply.ts'
import { ReplyLease } from './reply-lease.ts'
import { whileAway } from './while-away.ts'
import type { Written } from './write-reply.ts'

/**
 * How the run of a job ended. Only `answered` and `cancelled` settled the question; in every other
 * case somebody else does, or the reconciler finds it.
 */
export type AnswerResult = 'answered' | 'cancelled' | 'not-its-turn' | 'taken' | 'lost'

interface Run {
  job: JobPayload<'answer-message'>
  signal: AbortSignal
}

/**
 * Answers one question: claims it, streams the reply, commits it once and puts it into the log. A
 * worker may die at any point of this: another one finds the question where this one left it.
 * `signal` gives the question back and rejects as retryable, so that the queue passes the job on.
 */
export async function answerMessage(
  deps: AnswerDeps,
  job: JobPayload<'answer-message'>,
  signal: AbortSignal,
): Promise<AnswerResult> {
  const open = await deps.replies.findOpen(job.sessionId)
  // Whoever settles the earlier question enqueues this one.
  if (open?.messageId !== job.messageId) return 'not-its-turn'
  const result =
    open.state === 'committed' ? 'answered' : await claimAndAnswer(deps, open, { job, signal })
  if (result === 'answered') await materialiseReply(deps, open)
  if (result === 'answered' || result === 'cancelled') await enqueueNext(deps, job.sessionId)
  return result
}

async function claimAndAnswer(deps: AnswerDeps, open: ReplyTask, run: Run): Promise<AnswerResult> {
  const halt = new Halt()
  const onShutdown = () => halt.raise('shutdown')
  // Watched before the claim: a stop between the two would be noticed only with the next renewal.
  const unwatch = deps.running.watch(open.replyId, () => halt.raise('stop'))
  run.signal.addEventListener('abort', onShutdown)
  try {
    if (run.signal.aborted) throw handingOver()
    const { leaseMs } = deps.timing
    const claimed = await deps.replies.claim(open, leaseMs)
    if (!claimed) return 'taken'
    if (open.state === 'running') deps.metrics.replyTakenOver()
    const onLost = () => deps.metrics.leaseLost()
    const lease = new ReplyLease({ replies: deps.replies, onLost }, halt, {
      claim: claimed,
      leaseMs,
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
    if (halt.reason() !== 'shutdown') return 'lost'
    throw handingOver()
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
  return {
    status,
    content: text,
    modelId: claimed.modelId,
    finishedAt: deps.clock.now().toISOString(),
    ...(error ? { error: toErrorInfo(error, requestId) } : {}),
    ...(usage ? { usage } : {}),
  }
}

async function commit(
  deps: AnswerDeps,
  production: Production,
  outcome: ReplyOutcome,
): Promise<AnswerResult> {
  const { lease } = production
  // Beyond the lease too: while the store is away nobody else can have claimed the question, and
  // where somebody has by the time it is back, the commit is refused.
  const patience = AbortSignal.timeout(deps.timing.commitPatienceMs)
  const result = await whileAway(deps, patience, () => deps.replies.commit(lease.claim, outcome))
  switch (result) {
    case 'committed':
      return 'answered'
    case 'stop-requested':
      return commit(deps, production, { ...outcome, status: 'stopped' })
    case 'lost':
      return fenced(deps, production)
  }
}

function fenced({ metrics, logger }: AnswerDeps, { lease }: Production): AnswerResult {
  const { sessionId, replyId, epoch } = lease.claim
  metrics.writeFenced()
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
    const next = await deps.replies.findOpen(sessionId)
    if (!next) return
    await enqueueAnswer(deps.queue, next, { reason: 'turn', requestId: deps.clock.newId() })
  } catch (error) {
    deps.logger.warn({ sessionId, err: error }, 'next question not enqueued')
  }
}
