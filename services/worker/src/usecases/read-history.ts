import { LIMITS, type Message } from '@chatbox/contract'
import { estimateTokens, type MessageLog } from '@chatbox/core'

/** Replies to earlier questions of a burst stand after the question: so many entries are looked at. */
const ENTRIES_AFTER = 50
const MAX_PAGES = 5

export interface HistoryNeed {
  sessionId: string
  questionSeq: number
  /** Older entries than these many tokens take are not read. */
  tokens: number
}

/**
 * The part of a log that a prompt may need, in log order: from a little after the question, where
 * replies to the questions before it may stand, back to what fits the model's window.
 */
export async function readHistory(
  log: Pick<MessageLog, 'read'>,
  need: HistoryNeed,
): Promise<Message[]> {
  let beforeSeq = need.questionSeq + 1 + ENTRIES_AFTER
  let tokens = 0
  const pages: Message[][] = []
  while (pages.length < MAX_PAGES && tokens < need.tokens) {
    const { messages, hasMore } = await log.read(need.sessionId, {
      beforeSeq,
      limit: LIMITS.historyPage,
    })
    pages.unshift(messages)
    tokens += messages.reduce((sum, message) => sum + estimateTokens(message.content), 0)
    const [oldest] = messages
    if (!oldest || !hasMore) break
    beforeSeq = oldest.seq
  }
  return pages.flat()
}
