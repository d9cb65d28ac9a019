import type { Context } from '../../context.ts'

/**
 * Ends every open question up to an entry of a session's log, which wants no answer any more, and
 * stops the workers that write one. Their drafts are fenced first, so that a worker which hears
 * nothing of the stop shows nothing more.
 */
export async function settleQuestions(
  { replies, bus }: Pick<Context, 'replies' | 'bus'>,
  sessionId: string,
  upTo: number | 'all',
): Promise<void> {
  const cancelled = await replies.cancel(sessionId, upTo)
  await Promise.all(
    cancelled.flatMap(({ replyId, epoch }) => [
      bus.dropDraft({ sessionId, replyId, attempt: epoch }),
      bus.publishStop(replyId),
    ]),
  )
}
