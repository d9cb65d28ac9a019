import { acceptMessage, type AcceptMessageDeps } from '../usecases/accept-message.ts'
import { createSession, type CreateSessionDeps } from '../usecases/create-session.ts'
import { endSession } from '../usecases/end-session.ts'
import { markRead, type MarkReadDeps } from '../usecases/mark-read.ts'
import { openSession, type OpenSessionDeps } from '../usecases/open-session.ts'
import { readHistory, type ReadHistoryDeps } from '../usecases/read-history.ts'
import { refreshToken, type Identity, type RefreshTokenDeps } from '../usecases/refresh-token.ts'
import { retryReply, type RetryReplyDeps } from '../usecases/retry-reply.ts'
import { selectModel } from '../usecases/select-model.ts'
import { setTyping, type SetTypingDeps } from '../usecases/set-typing.ts'
import { stopReply, type StopReplyDeps } from '../usecases/stop-reply.ts'
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
