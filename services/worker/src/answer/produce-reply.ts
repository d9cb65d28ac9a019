import { LIMITS, type Message, type Session } from '@chatbox/contract'
import {
  AppError,
  buildPrompt,
  toAppError,
  type LlmRequest,
  type LogPage,
  type Prompt,
  type ReplyTask,
} from '@chatbox/core'
import type { AnswerDeps, AnswerModel } from './answer-deps.ts'
import type { Halt } from './halt.ts'
import { readHistory } from './read-history.ts'
import type { ReplyLease } from './reply-lease.ts'
import { writeReply, type Written } from './write-reply.ts'

export interface Production {
  claimed: ReplyTask
  lease: ReplyLease
  halt: Halt
  requestId: string
}

/**
 * The reply to a claimed question, whatever it takes: the model's answer, what a stop left of it, or
 * a failure that the user is to see. `cancelled` where the session wants no answer any more,
 * undefined where the reply is not this worker's to finish. Rejects only where the store does.
 */
export async function produceReply(
  deps: AnswerDeps,
  production: Production,
): Promise<Written | 'cancelled' | undefined> {
  const { claimed, halt } = production
  if (claimed.stopRequested) return stopped(deps, claimed)
  if (isHopeless(deps, claimed)) return failed(toAppError('too many attempts'))
  const asked = await readAsked(deps, claimed)
  if (!asked) {
    // Not only this question: the session has ended or is a person's now, whatever is open in it.
    await deps.replies.cancel(claimed.sessionId)
    return 'cancelled'
  }
  const written = await writeAnswer(deps, { ...production, ...asked })
  if (halt.reason() === 'stop' && written?.text === '') return stopped(deps, claimed)
  return written
}

function isHopeless({ clock, timing }: AnswerDeps, { epoch, askedAt }: ReplyTask): boolean {
  const ageMs = clock.now().getTime() - Date.parse(askedAt)
  return epoch > timing.maxAttempts && ageMs > timing.giveUpAfterMs
}

interface Asked {
  session: Session
  question: Message
  /** The end of the log, where nearly always the question is. */
  latest: LogPage
}

async function readAsked(deps: AnswerDeps, claimed: ReplyTask): Promise<Asked | undefined> {
  const { sessionId, messageId } = claimed
  const opened = await deps.messages.open(sessionId, { limit: LIMITS.historyPage })
  if (!opened || opened.session.status === 'ended' || opened.session.assistedBy) return undefined
  const { session, page: latest } = opened
  const question =
    latest.messages.find(({ id }) => id === messageId) ??
    (await deps.messages.find(sessionId, messageId))
  return question && { session, question, latest }
}

async function writeAnswer(
  deps: AnswerDeps,
  production: Production & Asked,
): Promise<Written | undefined> {
  const { claimed, lease, halt, question } = production
  // What cannot be decrypted is served as failed.
  if (question.status === 'failed') return failed(toAppError('unreadable question'))
  const model = deps.models.find(claimed.modelId)
  if (!model) return failed(modelGone())
  const request = await prepareRequest(deps, production, model)
  if (request instanceof AppError) return failed(request)
  return writeReply(deps, {
    lease,
    halt,
    modelId: claimed.modelId,
    llm: model.llm,
    request,
    onFirstText: once(() => {
      const seconds = (deps.clock.now().getTime() - Date.parse(claimed.askedAt)) / 1000
      deps.metrics.firstDelta(claimed.modelId, Math.max(0, seconds))
    }),
  })
}

async function prepareRequest(
  deps: AnswerDeps,
  { claimed, session, question, latest, requestId }: Production & Asked,
  { prompt: settings }: AnswerModel,
): Promise<LlmRequest | AppError> {
  const { sessionId, modelId } = claimed
  const [history, conversationRef] = await Promise.all([
    readHistory(deps.messages, {
      question,
      latest,
      tokens: settings.contextTokens,
    }),
    deps.conversationRefs.read(sessionId, modelId),
  ])
  const prompt = tryPrompt(() => buildPrompt(history, question, settings))
  if (prompt instanceof AppError) return prompt
  return { sessionId, userId: session.userId, requestId, ...prompt, conversationRef }
}

/** A question that makes no prompt is the user's to see, not the job's to retry. */
function tryPrompt(build: () => Prompt): Prompt | AppError {
  try {
    return build()
  } catch (thrown) {
    return toAppError(thrown)
  }
}

/** What a worker before this one, or this one, had shown when the stop came. */
async function stopped(
  { bus }: Pick<AnswerDeps, 'bus'>,
  { sessionId, replyId }: ReplyTask,
): Promise<Written> {
  const draft = await bus.readDraft(sessionId, replyId)
  return { status: 'stopped', text: draft?.text ?? '', error: undefined, usage: undefined }
}

function failed(error: AppError): Written {
  return { status: 'failed', text: '', error, usage: undefined }
}

function modelGone(): AppError {
  return new AppError('LLM_UNAVAILABLE', 'The chosen model is not available any more.', {
    retryable: false,
  })
}

function once(run: () => void): () => void {
  let ran = false
  return () => {
    if (ran) return
    ran = true
    run()
  }
}
