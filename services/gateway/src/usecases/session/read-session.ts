import { LIMITS, type Message, type Session, type User } from '@chatbox/contract'
import type { LogPage, LogRange } from '@chatbox/core'
import type { Context } from '../../context.ts'
import { checkSession } from '../check-session.ts'

interface PageRange {
  afterSeq?: number | undefined
  beforeSeq?: number | undefined
  limit?: number | undefined
}

/**
 * The approximate text limit of a page, in UTF-16 units. An acknowledgement passes through the
 * outbound buffer of a socket, which is bounded too. A single message may be longer.
 */
export const PAGE_TEXT_LENGTH = 200_000

/** Lists the user's own sessions, latest activity first. */
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

/** Reads a page of the log: at most `limit` messages, fewer if their texts are long. */
export async function readHistory(
  context: Context,
  who: User,
  input: PageRange & { sessionId: string },
): Promise<LogPage> {
  const session = checkSession(context, 'read', {
    who,
    session: await context.sessions.find(input.sessionId),
  })
  return cutPage(await context.messages.read(session.id, toLogRange(input)), toKept(input))
}

/** Converts a range of the contract to one of the store. */
export function toLogRange({ afterSeq, beforeSeq, limit }: PageRange): LogRange {
  return {
    limit: limit ?? LIMITS.historyPageDefault,
    ...(afterSeq === undefined ? {} : { afterSeq }),
    ...(beforeSeq === undefined ? {} : { beforeSeq }),
  }
}

/** Returns the end of the page that is next to the part that the reader already has. */
export function toKept({ afterSeq }: PageRange): 'newest' | 'oldest' {
  return afterSeq === undefined ? 'newest' : 'oldest'
}

/** Cuts a page that is too long. `keep` is the end that stays. */
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
