import { acceptMessage, type AcceptMessageDeps } from '../../usecases/message/accept-message.ts'
import { createSession, type CreateSessionDeps } from '../../usecases/session/create-session.ts'
import { endSession } from '../../usecases/session/end-session.ts'
import { markRead, type MarkReadDeps } from '../../usecases/message/mark-read.ts'
import { openSession, type OpenSessionDeps } from '../../usecases/session/open-session.ts'
import { readHistory, type ReadHistoryDeps } from '../../usecases/session/read-history.ts'
import { refreshToken, type Identity, type RefreshTokenDeps } from '../../usecases/refresh-token.ts'
import { retryReply, type RetryReplyDeps } from '../../usecases/reply/retry-reply.ts'
import { selectModel } from '../../usecases/reply/select-model.ts'
import { setTyping, type SetTypingDeps } from '../../usecases/message/set-typing.ts'
import { stopReply, type StopReplyDeps } from '../../usecases/reply/stop-reply.ts'
import type { Caller, EventHandlers } from './ack.ts'

/** What the use cases need besides the connection that calls them. */
export type HandlerDeps = Omit<
  AcceptMessageDeps &
    CreateSessionDeps &
    MarkReadDeps &
    OpenSessionDeps &
    ReadHistoryDeps &
    RefreshTokenDeps &
    RetryReplyDeps &
    SetTypingDeps &
    StopReplyDeps,
  keyof Caller
> & {
  /** A client got the entries that it had missed, so long after it asked for them. */
  onCaughtUp(entries: number, seconds: number): void
}

/** Each event and its use case: one table for all connections. */
export function createHandlers(deps: HandlerDeps): EventHandlers {
  return {
    'session:open': async ({ user, viewer }, input) => {
      const askedAt = performance.now()
      const opened = await openSession({ ...deps, viewer }, user, input)
      if (input.afterSeq !== undefined) {
        deps.onCaughtUp(opened.messages.length, (performance.now() - askedAt) / 1000)
      }
      return opened
    },
    'session:create': ({ user, viewer }, input) => createSession({ ...deps, viewer }, user, input),
    'session:end': ({ user }, input) => endSession(deps, user, input),
    'session:history': ({ user }, input) => readHistory(deps, user, input),
    'message:send': ({ user, viewer }, input) => acceptMessage({ ...deps, viewer }, user, input),
    'message:read': ({ user, viewer, peers }, input) =>
      markRead({ ...deps, viewer, peers }, user, input),
    'reply:stop': ({ user }, input) => stopReply(deps, user, input),
    'reply:retry': ({ user }, input) => retryReply(deps, user, input),
    typing: ({ user, viewer, peers }, input) => setTyping({ ...deps, viewer, peers }, user, input),
    'model:select': ({ user }, input) => selectModel(deps, user, input),
    'token:refresh': (caller, input) => {
      const renew = (identity: Identity) => caller.renew(identity)
      return refreshToken({ ...deps, renew }, caller.user, input)
    },
  }
}
