import type { Context } from '../../context.ts'

/**
 * Ends every open question of a session that wants no answer any more, and stops the workers that
 * write one.
 */
export async function settleQuestions(
  { replies, bus }: Pick<Context, 'replies' | 'bus'>,
  sessionId: string,
): Promise<void> {
  const cancelled = await replies.cancel(sessionId)
  await Promise.all(cancelled.map((replyId) => bus.publishStop(replyId)))
}
