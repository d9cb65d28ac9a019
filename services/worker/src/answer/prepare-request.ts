import { LIMITS, type Message } from '@chatbox/contract'
import {
  AppError,
  buildPrompt,
  estimateTokens,
  toAppError,
  type Llm,
  type LlmRequest,
  type LogPage,
  type MessageLog,
  type ReplyTask,
} from '@chatbox/core'
import type { Context } from '../context.ts'

export interface PreparedRequest {
  llm: Llm
  request: LlmRequest
}

/**
 * What the model of a question is asked, out of the session's log. An error is the user's to see, not
 * the job's to retry. Undefined where the session wants no answer any more. Rejects as the store does.
 */
export async function prepareRequest(
  context: Context,
  { sessionId, messageId, modelId }: ReplyTask,
  requestId: string,
): Promise<PreparedRequest | AppError | undefined> {
  const opened = await context.messages.open(sessionId, { limit: LIMITS.historyPage })
  if (!opened || opened.session.status === 'ended' || opened.session.assistedBy) return undefined
  const { session, page: latest } = opened
  const question =
    latest.messages.find(({ id }) => id === messageId) ??
    (await context.messages.find(sessionId, messageId))
  if (!question) return undefined
  // What cannot be decrypted is served as failed.
  if (question.status === 'failed') return toAppError('unreadable question')
  const model = context.models.find(modelId)
  if (!model) return modelGone()
  const tokens = model.prompt.contextTokens
  const [history, conversationRef] = await Promise.all([
    readHistory(context.messages, { question, latest, tokens }),
    context.conversationRefs.read(sessionId, modelId),
  ])
  try {
    const prompt = buildPrompt(history, question, model.prompt)
    const request = { sessionId, userId: session.userId, requestId, ...prompt, conversationRef }
    return { llm: model.llm, request }
  } catch (thrown) {
    return toAppError(thrown)
  }
}

function modelGone(): AppError {
  return new AppError('LLM_UNAVAILABLE', 'The chosen model is not available any more.', {
    retryable: false,
  })
}

/** Replies to earlier questions of a burst stand after the question: so many entries are looked at. */
const ENTRIES_AFTER = 50
const MAX_PAGES = 5

export interface HistoryNeed {
  question: Pick<Message, 'sessionId' | 'seq'>
  /** The end of the log, as it has been read already. */
  latest: LogPage
  /** Older entries than these many tokens take are not read. */
  tokens: number
}

/**
 * The part of a log that a prompt may need, in log order: from its end, or from a little after the
 * question where that is far from it, because replies to the questions before it may stand there;
 * back to what fits the model's window.
 */
export async function readHistory(
  log: Pick<MessageLog, 'read'>,
  { question: { sessionId, seq }, latest, tokens: needed }: HistoryNeed,
): Promise<Message[]> {
  const read = (beforeSeq: number) => log.read(sessionId, { beforeSeq, limit: LIMITS.historyPage })
  const isNear = latest.messages.some((message) => message.seq === seq)
  let page = isNear ? latest : await read(seq + 1 + ENTRIES_AFTER)
  let tokens = 0
  const pages: Message[][] = []
  for (;;) {
    pages.unshift(page.messages)
    tokens += page.messages.reduce((sum, { content }) => sum + estimateTokens(content), 0)
    const [oldest] = page.messages
    const isEnough = pages.length === MAX_PAGES || tokens >= needed
    if (!oldest || !page.hasMore || isEnough) return pages.flat()
    page = await read(oldest.seq)
  }
}
