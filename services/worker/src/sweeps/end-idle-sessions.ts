import type { Session } from '@chatbox/contract'
import {
  toAppError,
  type Appended,
  type EventBus,
  type MessageLog,
  type ReplyClaims,
  type Sessions,
} from '@chatbox/core'
import type { AnswerDeps } from '../answer/answer-deps.ts'

export interface IdleDeps extends Pick<AnswerDeps, 'clock' | 'logger' | 'metrics'> {
  sessions: Pick<Sessions, 'listIdle'>
  messages: Pick<MessageLog, 'append'>
  replies: Pick<ReplyClaims, 'cancel'>
  bus: Pick<EventBus, 'publish'>
}

export interface IdleLimits {
  idleMs: number
  /** Sessions ended in one sweep. */
  batch: number
}

/** Ends sessions in which nothing happened for `idleMs`. Any number of workers may do so at once. */
export async function endIdleSessions(deps: IdleDeps, limits: IdleLimits): Promise<void> {
  const before = new Date(deps.clock.now().getTime() - limits.idleMs)
  for (const session of await deps.sessions.listIdle(before, limits.batch)) {
    try {
      await endSession(deps, session)
    } catch (error) {
      deps.logger.warn({ sessionId: session.id, err: error }, 'idle session not ended')
    }
  }
}

async function endSession(deps: IdleDeps, idle: Session): Promise<void> {
  const ended = await appendEnd(deps, idle)
  if (!ended) return
  await deps.replies.cancel(idle.id)
  deps.metrics.reconciled('idle')
  const { message, session } = ended
  await deps.bus.publish(idle.id, { event: 'message:new', payload: { message } })
  await deps.bus.publish(idle.id, { event: 'session:updated', payload: { session } })
}

const REFUSALS = new Set(['CONFLICT', 'SESSION_ENDED', 'NOT_FOUND'])

/** Undefined where the session has gone on, or has ended, since it was listed. */
async function appendEnd(
  { messages, clock }: IdleDeps,
  idle: Session,
): Promise<Appended | undefined> {
  try {
    return await messages.append({
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
      expectedSeq: idle.lastSeq,
    })
  } catch (thrown) {
    if (REFUSALS.has(toAppError(thrown).code)) return undefined
    throw thrown
  }
}
