import { LIMITS, type Message, type Session, type User } from '@chatbox/contract'
import { checkAccess, type LogPage, type LogRange } from '@chatbox/core'
import type { Context } from '../../context.ts'

interface PageRange {
  afterSeq?: number | undefined
  beforeSeq?: number | undefined
  limit?: number | undefined
}

/**
 * About the most text that one page carries, in UTF-16 units: an acknowledgement goes through the
 * outbound buffer of one socket, which is bounded too. One message may be longer than this.
 */
const PAGE_TEXT_LENGTH = 200_000

/** The user's own sessions, latest activity first. */
export async function listSessions(
  { sessions }: Context,
  who: User,
  input: { limit?: number | undefined; cursor?: string | undefined },
): Promise<{ items: Session[]; nextCursor: string | null }> {
  const page = await sessions.list(who.id, {
    limit: input.limit ?? LIMITS.historyPageDefault,
    ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
  })
  return { items: page.sessions, nextCursor: page.nextCursor }
}

/** A page of the log: at most `limit` messages, fewer where their texts are long. */
export async function readHistory(
  { sessions, messages }: Context,
  who: User,
  input: PageRange & { sessionId: string },
): Promise<LogPage> {
  const session = checkAccess('read', who, await sessions.find(input.sessionId))
  return cutPage(await messages.read(session.id, toLogRange(input)), toKept(input))
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
