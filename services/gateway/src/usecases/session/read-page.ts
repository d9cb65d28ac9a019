import { LIMITS, type Message } from '@chatbox/contract'
import type { LogPage, LogRange, MessageLog } from '@chatbox/core'

export type PageReader = Pick<MessageLog, 'read'>

export interface PageRange {
  afterSeq?: number | undefined
  beforeSeq?: number | undefined
  limit?: number | undefined
}

/**
 * About the most text that one page carries, in UTF-16 units: an acknowledgement goes through the
 * outbound buffer of one socket, which is bounded too. One message may be longer than this.
 */
const PAGE_TEXT_LENGTH = 200_000

/** A page of a log: at most `limit` messages, fewer where their texts are long. */
export async function readPage(
  messages: PageReader,
  sessionId: string,
  range: PageRange,
): Promise<LogPage> {
  const page = await messages.read(sessionId, toLogRange(range))
  return cutPage(page, toKept(range))
}

/** The range as a store takes it. */
export function toLogRange({ afterSeq, beforeSeq, limit }: PageRange): LogRange {
  return {
    limit: limit ?? LIMITS.historyPageDefault,
    ...(afterSeq === undefined ? {} : { afterSeq }),
    ...(beforeSeq === undefined ? {} : { beforeSeq }),
  }
}

/** The end of a page of this range that is next to what its reader has. */
export function toKept({ afterSeq }: PageRange): 'newest' | 'oldest' {
  return afterSeq === undefined ? 'newest' : 'oldest'
}

/** `keep`: which end of a page that is too long stays, the one next to what the reader has. */
export function cutPage(page: LogPage, keep: 'newest' | 'oldest'): LogPage {
  const messages = keep === 'oldest' ? page.messages : page.messages.toReversed()
  const kept = messages.slice(0, countFitting(messages))
  if (kept.length === page.messages.length) return page
  return { messages: keep === 'oldest' ? kept : kept.reverse(), hasMore: true }
}

function countFitting(messages: Message[]): number {
  let length = 0
  for (const [index, message] of messages.entries()) {
    length += message.content.length
    if (length > PAGE_TEXT_LENGTH && index > 0) return index
  }
  return messages.length
}
