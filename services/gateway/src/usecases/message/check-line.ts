import type { User } from '@chatbox/contract'
import { AppError, isVisitorId, type ReplyKey } from '@chatbox/core'
import type { Context } from '../../context.ts'

/** A visitor whose question would wait longer is told so, and nothing is stored. */
export const LONGEST_WAIT_MS = 30_000
const MAX_RETRY_AFTER_MS = 60_000

interface Asker {
  user: User
  lane: string
}

/**
 * Throws `TOO_MANY_REQUESTS` if a question of these visitors would wait too long, with the time
 * after which the line is short enough. The wait is an estimate from what this gateway last saw, and
 * takes no call. Signed-in users are never refused.
 */
export function checkLine(context: Context, asker: Asker): void {
  const excessMs = toExcessMs(context, asker)
  if (excessMs > 0) throw refuse(context, excessMs)
}

/**
 * Like `checkLine`, for a message. A message to a person who has taken over joins no line, and one
 * that is stored already is not refused afterwards.
 */
export async function checkLineOf(
  context: Context,
  asker: Asker,
  { sessionId, messageId }: ReplyKey,
): Promise<void> {
  const excessMs = toExcessMs(context, asker)
  if (excessMs <= 0) return
  const { sessions, messages } = context
  const session = await sessions.find(sessionId)
  if (session?.assistedBy || (await messages.find(sessionId, messageId))) return
  throw refuse(context, excessMs)
}

function toExcessMs({ queue }: Context, { user, lane }: Asker): number {
  return isVisitorId(user.id) ? queue.expectedWaitMs(lane) - LONGEST_WAIT_MS : 0
}

function refuse({ metrics }: Context, excessMs: number): AppError {
  metrics.rateLimited('line')
  return new AppError('TOO_MANY_REQUESTS', 'Many questions are waiting. Try again later.', {
    retryAfterMs: Math.min(Math.max(excessMs, 1000), MAX_RETRY_AFTER_MS),
  })
}
