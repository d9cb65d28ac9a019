import type { ActiveReply, ClientData, ClientPayload, Session } from '@chatbox/contract'
import { mayAccess, notFound, type LogPage, type ReplyTask } from '@chatbox/core'
import { isOwnedBy } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { checkSession } from '../check-session.ts'
import { toLogRange, toReadWork } from './read-session.ts'
import { resumeOrStartSession } from './start-session.ts'

/**
 * Joins a session and returns a page of its log. The join comes before every read: changes after
 * the join arrive as events, earlier ones are in the page, and `seq` identifies those in both.
 * Opening a user's own session without a running reply costs a single read of the store, because
 * thousands of users may return at once after an outage. An id without the user's mark costs one
 * more: an operator's, or one made before the first encryption key changed.
 */
export async function openSession(
  context: Context,
  caller: Caller,
  input: ClientPayload<'session:open'>,
): Promise<ClientData<'session:open'>> {
  const chosen = await chooseSession(context, caller, input.sessionId)
  await caller.viewer.join(chosen.sessionId)
  const opened = await readOpened(context, caller, { ...input, ...chosen })
  caller.viewer.note(opened.session)
  return opened
}

async function chooseSession(
  context: Context,
  caller: Caller,
  sessionId: string | undefined,
): Promise<ChosenSession> {
  const { user } = caller
  if (sessionId === undefined) {
    return { sessionId: (await resumeOrStartSession(context, user)).id, paid: 1 }
  }
  // The room of an id with the user's own mark never carries events of other users.
  if (isOwnedBy(sessionId, context.pseudonym(user.id))) return { sessionId, paid: 1 }
  const session = await context.sessions.find(sessionId)
  await checkSession(context, 'read', { who: user, session })
  return { sessionId, paid: 0 }
}

interface ChosenSession {
  sessionId: string
  /** What is left of the call's point for the log: nothing if the session had to be looked up. */
  paid: number
}

type Chosen = ClientPayload<'session:open'> & ChosenSession

async function readOpened(
  context: Context,
  caller: Caller,
  input: Chosen,
): Promise<ClientData<'session:open'>> {
  const { mayHaveOpenTask, ...opened } = await readLog(context, caller, input)
  if (!mayHaveOpenTask) return { ...opened, reply: null }
  const reply = await findActiveReply(context, input.sessionId)
  if (!reply) return { ...opened, reply }
  // A reply that finished between the two reads is in the log by now.
  if (!(await context.messages.find(input.sessionId, reply.replyId))) return { ...opened, reply }
  const { session, messages, hasMore } = await readLog(context, caller, input)
  return { session, messages, hasMore, reply: null }
}

interface ReadLog extends LogPage {
  session: Session
  mayHaveOpenTask: boolean
}

async function readLog(context: Context, caller: Caller, input: Chosen): Promise<ReadLog> {
  const { sessionId } = input
  const opened = await context.messages.open(sessionId, toLogRange(input))
  if (!opened || !mayAccess('read', caller.user, opened.session)) {
    caller.viewer.leave(sessionId)
    throw notFound()
  }
  const { session, page, mayHaveOpenTask } = opened
  await context.guard.chargeRead(caller.user.id, toReadWork(page), input.paid)
  return { session, mayHaveOpenTask, ...page }
}

async function findActiveReply(context: Context, sessionId: string): Promise<ActiveReply | null> {
  const open = await context.replies.findOpen(sessionId)
  if (!open) return null
  const draft = await context.bus.readDraft(sessionId, open.replyId)
  const { replyId, messageId: replyTo, modelId } = open
  const known = { replyId, replyTo, modelId }
  if (draft && draft.attempt >= open.epoch) return { ...known, ...draft }
  return { ...known, attempt: toAttempt(open), index: 0, text: '' }
}

/** Returns the attempt of a reply, 0 while the question waits, even for another attempt. */
function toAttempt(open: ReplyTask): number {
  return open.state === 'pending' ? 0 : open.epoch
}
