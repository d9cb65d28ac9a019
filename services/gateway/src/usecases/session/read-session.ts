import { LIMITS, type Session, type User } from '@chatbox/contract'
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
  { sessions, guard }: Context,
  who: User,
  input: { limit?: number | undefined; cursor?: string | undefined },
): Promise<{ items: Session[]; nextCursor: string | null }> {
  const page = await sessions.list(who.id, {
    limit: input.limit ?? LIMITS.historyPageDefault,
    ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
  })
  // Of each session, its origin and its state are decrypted.
  await guard.chargeRead(who.id, { entries: 2 * page.sessions.length, length: 0 })
  return { items: page.sessions, nextCursor: page.nextCursor }
}

/** Reads a page of the log: at most `limit` messages, fewer if their texts are long. */
export async function readHistory(
  context: Context,
  who: User,
  input: PageRange & { sessionId: string },
): Promise<LogPage> {
  const session = await checkSession(context, 'read', {
    who,
    session: await context.sessions.find(input.sessionId),
  })
  const page = await context.messages.read(session.id, toLogRange(input))
  await context.guard.chargeRead(who.id, toReadWork(page))
  return page
}

/** What a page has cost. */
export function toReadWork({ messages }: LogPage): { entries: number; length: number } {
  const length = messages.reduce((sum, { content }) => sum + content.length, 0)
  return { entries: messages.length, length }
}

/** Converts a range of the contract to one of the store. */
export function toLogRange({ afterSeq, beforeSeq, limit }: PageRange): LogRange {
  return {
    limit: limit ?? LIMITS.historyPageDefault,
    maxLength: PAGE_TEXT_LENGTH,
    ...(afterSeq === undefined ? {} : { afterSeq }),
    ...(beforeSeq === undefined ? {} : { beforeSeq }),
  }
}
