import type { JobPayload, Usage } from '@chatbox/contract'
import {
  AppError,
  toAppError,
  toErrorInfo,
  type BudgetScope,
  type ReplyOutcome,
  type ReplyTask,
} from '@chatbox/core'
import type { Context } from '../context.ts'
import { appendCommitted, appendReply, writeOrFail } from './append-reply.ts'
import { generateReply, type GeneratedReply } from './generate-reply.ts'
import { prepareRequest } from './prepare-request.ts'
import { ReplyLease, whileAway } from './reply-lease.ts'
import { RunningReply } from './running-replies.ts'

/**
 * The result of a job. With `lost` and `taken`, another worker owns the question and settles it, or
 * the reconciler finds it.
 */
export type AnswerResult = 'answered' | 'cancelled' | 'nothing-open' | 'taken' | 'lost'

/**
 * Answers the open question of a session: claims it, generates the reply, commits it once and
 * appends it to the log. If more questions wait, the session goes to the end of the queue. A worker
 * may die at any point: another worker finds the question in the state that this one left. An abort
 * of `signal` releases the question and rejects with a retryable error, so that the queue passes
 * the job on.
 */
export async function answerSession(
  context: Context,
  job: JobPayload<'answer-session'>,
  signal: AbortSignal,
): Promise<AnswerResult> {
  const open = await context.replies.findOpen(job.sessionId)
  if (!open) return 'nothing-open'
  if (open.state === 'committed') {
    await appendCommitted(context, open)
  } else {
    const { requestId } = job
    const result = await answerQuestion(context, open, { requestId, signal })
    if (result !== 'answered') return result
  }
  await enqueueNext(context, job.sessionId)
  return 'answered'
}

async function answerQuestion(
  context: Context,
  open: ReplyTask,
  { requestId, signal }: { requestId: string; signal: AbortSignal },
): Promise<AnswerResult> {
  const reply = new RunningReply()
  const onShutdown = () => reply.abort('shutdown')
  // Registered before the claim, or a stop in between would wait for the next renewal.
  const remove = context.running.add(open.replyId, reply)
  signal.addEventListener('abort', onShutdown)
  try {
    if (signal.aborted) throw handingOver()
    // Before the claim, so that without an answer nothing is held and the job is tried again.
    const spent = await context.budgets.findSpent(open.payer)
    const { leaseMs, silenceMs } = context.timing
    const task = await context.replies.claim(open, leaseMs)
    if (!task) return 'taken'
    if (open.state === 'running') context.metrics.replyTakenOver()
    const { replies } = context
    const onLost = () => context.metrics.leaseLost()
    const lease = new ReplyLease(reply, { replies, claim: task, leaseMs, silenceMs, onLost })
    return await answerClaimed(context, { task, lease, reply, requestId, spent, charges: [] })
  } finally {
    signal.removeEventListener('abort', onShutdown)
    remove()
  }
}

/** A question that this worker has claimed. */
interface Claimed {
  task: ReplyTask
  lease: ReplyLease
  reply: RunningReply
  requestId: string
  /** The budget that is used up, so that the model is not asked. */
  spent: BudgetScope | undefined
  charges: Promise<void>[]
}

async function answerClaimed(context: Context, claimed: Claimed): Promise<AnswerResult> {
  const { lease, reply } = claimed
  context.metrics.repliesRunning(1)
  try {
    const generated = await generate(context, claimed)
    if (generated === 'cancelled') return generated
    if (generated) return await commit(context, claimed, toOutcome(context, claimed, generated))
    if (reply.abortReason() === 'shutdown') throw handingOver()
    lease.lose()
    return 'lost'
  } catch (thrown) {
    lease.end()
    await release(context, lease)
    throw thrown
  } finally {
    context.metrics.repliesRunning(-1)
    lease.end()
    // Until then this worker answers nothing else in this place, so that a budget is passed by no
    // more than what runs.
    await Promise.all(claimed.charges)
  }
}

/**
 * Generates the reply to a claimed question: the model's answer, the text before a stop, or a
 * failure for the user to see. Returns `cancelled` if the session wants no answer any more, and
 * undefined if the reply is no longer this worker's to finish. Rejects only if the store does.
 */
async function generate(
  context: Context,
  claimed: Claimed,
): Promise<GeneratedReply | 'cancelled' | undefined> {
  const { task, reply, requestId, spent } = claimed
  if (task.stopRequested) return toStopped(context, task)
  if (spent) return toFailed(context.budgets.refuse(spent, { retryable: true }))
  if (isHopeless(context, task)) return toFailed(toAppError('too many attempts'))
  const prepared = await prepareRequest(context, task, requestId)
  if (!prepared) {
    // The session has ended or a person has taken over. What was asked later may be after a hand-back.
    await context.replies.cancel(task.sessionId, task.questionSeq)
    return 'cancelled'
  }
  const generated =
    prepared instanceof AppError
      ? toFailed(prepared)
      : await generateReply(context, { ...claimed, ...prepared })
  if (reply.abortReason() === 'stop' && generated?.text === '') return toStopped(context, task)
  return generated
}

function isHopeless({ clock, timing }: Context, { epoch, askedAt }: ReplyTask): boolean {
  const ageMs = clock.now().getTime() - Date.parse(askedAt)
  return epoch > timing.maxAttempts && ageMs > timing.giveUpAfterMs
}

/** Builds a stopped reply from the text that this or an earlier worker had shown by then. */
async function toStopped(
  { bus }: Context,
  { sessionId, replyId }: ReplyTask,
): Promise<GeneratedReply> {
  const draft = await bus.readDraft(sessionId, replyId)
  return { status: 'stopped', text: draft?.text ?? '' }
}

function toFailed(error: AppError): GeneratedReply {
  return { status: 'failed', text: '', error }
}

const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0, totalTokens: 0 }

function toOutcome(
  { clock }: Context,
  { task, requestId }: Claimed,
  { status, text, error, usage }: GeneratedReply,
): ReplyOutcome {
  // This worker's attempts are counted from the claim on, which was the first.
  const unknownAttempts = task.attempts - 1
  const spent = unknownAttempts > 0 ? { ...(usage ?? NO_USAGE), unknownAttempts } : usage
  return {
    status,
    content: text,
    modelId: task.modelId,
    finishedAt: clock.now().toISOString(),
    ...(error ? { error: toErrorInfo(error, requestId) } : {}),
    ...(spent ? { usage: spent } : {}),
  }
}

async function commit(
  context: Context,
  claimed: Claimed,
  outcome: ReplyOutcome,
): Promise<AnswerResult> {
  const { claim } = claimed.lease
  // The time limit goes beyond the lease. Nobody else can claim the question while the store is
  // down. If somebody has claimed it by the time the store is back, the commit is refused.
  const patience = AbortSignal.timeout(context.timing.commitPatienceMs)
  const reply = { ...claimed.task, epoch: claim.epoch }
  const { result, outcome: written } = await writeOrFail(context, { reply, outcome }, (said) =>
    whileAway(context, patience, () => context.replies.commit(claim, said)),
  )
  switch (result) {
    case 'committed':
      await appendReply(context, { reply, outcome: written })
      return 'answered'
    case 'stop-requested':
      return commit(context, claimed, { ...written, status: 'stopped' })
    case 'lost':
      return fenced(context, claimed)
  }
}

function fenced({ metrics, logger }: Context, { lease, reply }: Claimed): AnswerResult {
  const { sessionId, replyId, epoch: attempt } = lease.claim
  lease.lose()
  // A takeover has fixed what was read, and told this worker.
  if (reply.abortReason() === 'stop') {
    logger.info({ sessionId, replyId, attempt }, 'reply interrupted')
    return 'lost'
  }
  metrics.writeFenced()
  logger.warn({ sessionId, replyId, attempt }, 'reply refused: a later attempt owns it')
  return 'lost'
}

/** Releases the claim before the lease ends. A failure costs only that time. */
async function release({ replies, logger }: Context, { claim }: ReplyLease): Promise<void> {
  try {
    await replies.release(claim)
  } catch (error) {
    logger.warn({ sessionId: claim.sessionId, replyId: claim.replyId, err: error }, 'not released')
  }
}

function handingOver(): AppError {
  return new AppError('UNAVAILABLE', 'This worker is being stopped.')
}

/** Enqueues the next question. A failure costs seconds: the reconciler finds it too. */
async function enqueueNext(
  { replies, queue, clock, logger }: Context,
  sessionId: string,
): Promise<void> {
  try {
    const next = await replies.findOpen(sessionId)
    if (!next) return
    const job = { v: 1, sessionId, requestId: clock.newId(), lane: next.lane } as const
    await queue.enqueue('answer-session', job)
  } catch (error) {
    logger.warn({ sessionId, err: error }, 'next question not enqueued')
  }
}
