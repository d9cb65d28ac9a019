import { LIMITS, type Message } from '@chatbox/contract'
import {
  AppError,
  buildPrompt,
  estimateTokens,
  findAsked,
  toAppError,
  type Llm,
  type LogPage,
  type MessageLog,
  type Prices,
  type ReplyTask,
} from '@chatbox/core'
import type { Context } from '../context.ts'
import { FittingRequest } from './fitting-request.ts'

export interface PreparedRequest {
  llm: Llm
  prices: Prices | undefined
  request: FittingRequest
}

/**
 * Builds the request to the model from the session's log. A returned error is shown to the user;
 * the job is not retried. Returns undefined if the session wants no answer any more. Rejects if the
 * store does.
 */
export async function prepareRequest(
  context: Context,
  { sessionId, messageId, modelId, lane }: ReplyTask,
  requestId: string,
): Promise<PreparedRequest | AppError | undefined> {
  const opened = await context.messages.open(sessionId, { limit: LIMITS.historyPage })
  if (!opened || opened.session.status === 'ended' || opened.session.assistedBy) return undefined
  const { session, page: latest } = opened
  const question =
    latest.messages.find(({ id }) => id === messageId) ??
    (await context.messages.find(sessionId, messageId))
  if (!question) return undefined
  const model = context.models.find(modelId)
  if (!model) return modelGone()
  const tokens = model.prompt.contextTokens
  const [history, conversationRef] = await Promise.all([
    readHistory(context.messages, { question, latest, tokens }),
    context.conversationRefs.read(sessionId, modelId),
  ])
  const asked = findAsked(history, question)
  if (!asked) return undefined
  // A text that cannot be decrypted is read as failed.
  if (asked.status === 'failed') return toAppError('unreadable question')
  try {
    const base = { sessionId, userId: session.userId, requestId, conversationRef, lane }
    const request = new FittingRequest({
      sessionId,
      lengths: model.lengths,
      toRequest: (most) => {
        const prompt = buildPrompt(history, question, { ...model.prompt, history: most })
        const { system, messages } = prompt
        return { request: { ...base, system, messages }, history: prompt.history }
      },
    })
    return { llm: model.llm, prices: model.prices, request }
  } catch (thrown) {
    return toAppError(thrown)
  }
}

function modelGone(): AppError {
  return new AppError('LLM_UNAVAILABLE', 'The chosen model is not available any more.', {
    retryable: false,
  })
}

/** How far behind the question to read. In a burst, replies to earlier questions are there. */
const ENTRIES_AFTER = 50
export const MAX_PAGES = 5

export interface HistoryNeed {
  question: Pick<Message, 'sessionId' | 'seq'>
  /** The end of the log, which has been read already. */
  latest: LogPage
  /** The token limit beyond which older entries are not read. */
  tokens: number
}

/**
 * Reads the part of a log that a prompt may need, in log order. It starts at the end of the log. If
 * the question is far from the end, it starts a little after the question, because replies to
 * earlier questions may be there. It goes back as far as fits the model's window.
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
