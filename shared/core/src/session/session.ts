import type { Session } from '@chatbox/contract'
import { AppError } from '../errors.ts'
import type { LaterTexts, LogHead, SessionState } from './session-state.ts'

/** What never changes in a session; with what a later version added to it, as in a `SessionState`. */
export interface SessionOrigin {
  id: string
  userId: string
  userName: string
  startedAt: string
  laterTexts?: LaterTexts
}

/**
 * The wire form of a session, from what it began as and the end of its log. Field by field, because
 * what a later version added may not be for everybody.
 */
export function toSession(origin: SessionOrigin, { seq, state }: LogHead): Session {
  const { help, assistedBy, usage } = state
  return {
    id: origin.id,
    userId: origin.userId,
    userName: origin.userName,
    name: state.name,
    status: state.status === 'active' ? 'active' : 'ended',
    modelId: state.modelId,
    startedAt: origin.startedAt,
    lastActivityAt: state.lastActivityAt,
    endedAt: state.endedAt,
    lastSeq: seq,
    messageCount: state.messageCount,
    help: help && { requestedAt: help.requestedAt, note: help.note },
    assistedBy: assistedBy && {
      id: assistedBy.id,
      name: assistedBy.name,
      since: assistedBy.since,
    },
    adminAssisted: state.adminAssisted,
    usage: {
      promptTokens: usage.promptTokens,
      completionTokens: usage.completionTokens,
      totalTokens: usage.totalTokens,
    },
    responseTimeMs: { avg: averageMs(state.responses), max: state.responses.maxMs },
    shared: false,
  }
}

/** Throws `SESSION_ENDED` where nothing more can happen in a session. */
export function checkActive(session: Pick<Session, 'status'>): void {
  if (session.status === 'ended') throw new AppError('SESSION_ENDED', 'This session has ended.')
}

function averageMs(responses: SessionState['responses']): number {
  return responses.count === 0 ? 0 : Math.round(responses.totalMs / responses.count)
}
