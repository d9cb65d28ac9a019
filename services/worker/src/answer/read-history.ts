import { LIMITS, type Message } from '@chatbox/contract'
import { estimateTokens, type LogPage, type MessageLog } from '@chatbox/core'

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
