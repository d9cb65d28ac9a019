import type { ClientData, ClientEvent, ClientPayload } from '@chatbox/contract'
import { noteRefusal } from '../../auth/verify-token.ts'
import type { Context } from '../../context.ts'
import type { Caller } from '../../usecases/caller.ts'
import { openDesk } from '../../usecases/desk/read-desk.ts'
import { appendDesk, saveDraft } from '../../usecases/desk/write-desk.ts'
import { cancelHelp, requestHelp } from '../../usecases/human/help.ts'
import { endTakeover, startTakeover } from '../../usecases/human/takeover.ts'
import { readInbox, subscribeInbox } from '../../usecases/inbox/follow-inbox.ts'
import { listInbox } from '../../usecases/inbox/list-inbox.ts'
import { acceptMessage } from '../../usecases/message/accept-message.ts'
import { markRead, setTyping } from '../../usecases/message/signals.ts'
import { retryReply, stopReply } from '../../usecases/reply/control-reply.ts'
import { endSession, selectModel } from '../../usecases/session/change-session.ts'
import { openSession } from '../../usecases/session/open-session.ts'
import { readHistory } from '../../usecases/session/read-session.ts'
import { createSession } from '../../usecases/session/start-session.ts'

export type EventHandlers = {
  [E in ClientEvent]: (caller: Caller, payload: ClientPayload<E>) => Promise<ClientData<E>>
}

/** Maps each event to its use case. All connections share the table. */
export function createEventHandlers(context: Context): EventHandlers {
  return {
    'session:open': async (caller, input) => {
      const askedAt = performance.now()
      const opened = await openSession(context, caller, input)
      if (input.afterSeq !== undefined) {
        const seconds = (performance.now() - askedAt) / 1000
        context.metrics.sessionResynced(opened.messages.length, seconds)
      }
      return opened
    },
    'session:create': (caller, input) => createSession(context, caller, input),
    'session:end': ({ user }, input) => endSession(context, user, input),
    'session:history': ({ user }, input) => readHistory(context, user, input),
    'message:send': (caller, input) => acceptMessage(context, caller, input),
    'message:read': (caller, input) => markRead(context, caller, input),
    'reply:stop': ({ user }, input) => stopReply(context, user, input),
    'reply:retry': (caller, input) => retryReply(context, caller, input),
    typing: (caller, input) => setTyping(context, caller, input),
    'model:select': ({ user }, input) => selectModel(context, user, input),
    'help:request': ({ user }, input) => requestHelp(context, user, input),
    'help:cancel': ({ user }, input) => cancelHelp(context, user, input),
    'takeover:start': ({ user }, input) => startTakeover(context, user, input),
    'takeover:end': ({ user }, input) => endTakeover(context, user, input),
    'inbox:subscribe': (caller, input) => subscribeInbox(context, caller, input),
    'inbox:list': ({ user }, input) => listInbox(context, user, input),
    'inbox:read': (caller, input) => readInbox(context, caller, input),
    'desk:open': (caller, input) => openDesk(context, caller, input),
    'desk:append': (caller, input) => appendDesk(context, caller, input),
    'desk:draft': (caller, input) => saveDraft(context, caller, input),
    'token:refresh': async (caller, { token }) => {
      try {
        const identity = await context.verifyToken(token)
        caller.renew(identity)
        return { expiresAt: identity.expiresAt.toISOString() }
      } catch (error) {
        noteRefusal(context, error)
        throw error
      }
    },
  }
}
