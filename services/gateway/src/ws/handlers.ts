import type { User } from '@chatbox/contract'
import { acceptMessage, type AcceptMessageDeps } from '../usecases/accept-message.ts'
import { createSession, type CreateSessionDeps } from '../usecases/create-session.ts'
import { endSession } from '../usecases/end-session.ts'
import { markRead, type MarkReadDeps } from '../usecases/mark-read.ts'
import { openSession, type OpenSessionDeps } from '../usecases/open-session.ts'
import { readHistory } from '../usecases/read-history.ts'
import { refreshToken, type RefreshTokenDeps } from '../usecases/refresh-token.ts'
import { retryReply, type RetryReplyDeps } from '../usecases/retry-reply.ts'
import { selectModel } from '../usecases/select-model.ts'
import { setTyping, type SetTypingDeps } from '../usecases/set-typing.ts'
import { stopReply, type StopReplyDeps } from '../usecases/stop-reply.ts'
import type { EventHandlers } from './ack.ts'

export type HandlerDeps = AcceptMessageDeps &
  CreateSessionDeps &
  MarkReadDeps &
  OpenSessionDeps &
  RefreshTokenDeps &
  RetryReplyDeps &
  SetTypingDeps &
  StopReplyDeps & {
    /** A client got the entries that it had missed, so long after it asked for them. */
    onCaughtUp(entries: number, seconds: number): void
  }

/** Each event and its use case, for whoever `who` answers at the moment of the event. */
export function createHandlers(deps: HandlerDeps, who: () => User): EventHandlers {
  return {
    'session:open': async (input) => {
      const askedAt = performance.now()
      const opened = await openSession(deps, who(), input)
      if (input.afterSeq !== undefined) {
        deps.onCaughtUp(opened.messages.length, (performance.now() - askedAt) / 1000)
      }
      return opened
    },
    'session:create': (input) => createSession(deps, who(), input),
    'session:end': (input) => endSession(deps, who(), input),
    'session:history': (input) => readHistory(deps, who(), input),
    'message:send': (input) => acceptMessage(deps, who(), input),
    'message:read': (input) => markRead(deps, who(), input),
    'reply:stop': (input) => stopReply(deps, who(), input),
    'reply:retry': (input) => retryReply(deps, who(), input),
    typing: (input) => setTyping(deps, who(), input),
    'model:select': (input) => selectModel(deps, who(), input),
    'token:refresh': (input) => refreshToken(deps, who(), input),
  }
}
