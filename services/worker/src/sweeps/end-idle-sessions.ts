import type { Session } from '@chatbox/contract'
import { appendIfAllowed, publishAppended } from '../answer/append-reply.ts'
import type { Context } from '../context.ts'

/**
 * Ends at most `limit` sessions that have been idle for `idleMs`. Workers may do this concurrently.
 */
export async function endIdleSessions(
  context: Context,
  idleMs: number,
  limit: number,
): Promise<void> {
  const before = new Date(context.clock.now().getTime() - idleMs)
  for (const session of await context.sessions.listIdle(before, limit)) {
    try {
      await endSession(context, session)
    } catch (error) {
      context.logger.warn({ sessionId: session.id, err: error }, 'idle session not ended')
    }
  }
}

async function endSession(context: Context, idle: Session): Promise<void> {
  const { clock, replies, metrics } = context
  const ended = await appendIfAllowed(context, {
    message: {
      id: clock.newId(),
      sessionId: idle.id,
      kind: 'event',
      sender: { type: 'system', id: 'system', name: '' },
      content: '',
      attachments: [],
      status: 'complete',
      event: { type: 'session_ended', reason: 'idle' },
      createdAt: clock.now().toISOString(),
    },
    // The session may have changed since it was listed.
    expectedSeq: idle.lastSeq,
  })
  if (!ended) return
  await replies.cancel(idle.id, 'all')
  metrics.reconciled('idle')
  await publishAppended(context, ended)
}
