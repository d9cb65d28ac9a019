import type { Session } from '@chatbox/contract'
import { AppError } from './errors.ts'
import type { LogTip, SessionState } from './session-state.ts'

/** What never changes in a session. */
export interface SessionOrigin {
  id: string
  userId: string
  userName: string
  startedAt: string
}

/** The wire form of a session, from what it began as and the end of its log. */
export function toSession(origin: SessionOrigin, tip: LogTip): Session {
  const { responses, unanswered, ...state } = tip.state
  return {
    ...origin,
    ...state,
    lastSeq: tip.seq,
    responseTimeMs: { avg: averageMs(responses), max: responses.maxMs },
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
