import type { ActiveReply, ClientData, ClientPayload, Session, User } from '@chatbox/contract'
import {
  checkAccess,
  mayAccess,
  notFound,
  type EventBus,
  type LogPage,
  type MessageLog,
  type ReplyClaims,
  type ReplyTask,
} from '@chatbox/core'
import { isOwnedBy } from '@chatbox/kit'
import type { Viewer } from '../announcer.ts'
import { cutPage, toKept, toLogRange } from './read-page.ts'
import { resumeOrStartSession, type StartSessionDeps } from './start-session.ts'

export interface OpenSessionDeps extends StartSessionDeps {
  messages: StartSessionDeps['messages'] & Pick<MessageLog, 'open' | 'find'>
  replies: StartSessionDeps['replies'] & Pick<ReplyClaims, 'findOpen'>
  bus: StartSessionDeps['bus'] & Pick<EventBus, 'readDraft'>
  viewer: Viewer
}

/**
 * Joins a session and answers a page of its log. The join comes before every read of it: what
 * happens after the join arrives as an event, what happened before it is in the page, and what is in
 * both is told apart by its `seq`. After an outage thousands open at once, so that one who comes
 * back to a session of their own, where nothing is being answered, costs one read of the store.
 */
export async function openSession(
  deps: OpenSessionDeps,
  who: User,
  input: ClientPayload<'session:open'>,
): Promise<ClientData<'session:open'>> {
  const id = await chooseSession(deps, who, input.sessionId)
  await deps.viewer.join(id)
  const opened = await readOpened(deps, who, { ...input, sessionId: id })
  deps.viewer.note(opened.session)
  return opened
}

async function chooseSession(
  deps: OpenSessionDeps,
  who: User,
  sessionId: string | undefined,
): Promise<string> {
  if (sessionId === undefined) return (await resumeOrStartSession(deps, who)).id
  // In the room of an id that is marked as theirs nobody hears of a session of somebody else.
  if (!isOwnedBy(sessionId, who.id)) {
    checkAccess('read', who, await deps.sessions.find(sessionId))
  }
  return sessionId
}

type Chosen = ClientPayload<'session:open'> & { sessionId: string }

async function readOpened(
  deps: OpenSessionDeps,
  who: User,
  input: Chosen,
): Promise<ClientData<'session:open'>> {
  const { mayHaveOpenTask, ...opened } = await readLog(deps, who, input)
  if (!mayHaveOpenTask) return { ...opened, reply: null }
  const reply = await findActiveReply(deps, input.sessionId)
  if (!reply) return { ...opened, reply }
  // One that finished after the log was read and before its draft was is in the log by now.
  if (!(await deps.messages.find(input.sessionId, reply.replyId))) return { ...opened, reply }
  const { session, messages, hasMore } = await readLog(deps, who, input)
  return { session, messages, hasMore, reply: null }
}

interface ReadLog extends LogPage {
  session: Session
  mayHaveOpenTask: boolean
}

async function readLog(deps: OpenSessionDeps, who: User, input: Chosen): Promise<ReadLog> {
  const { sessionId } = input
  const opened = await deps.messages.open(sessionId, toLogRange(input))
  if (!opened || !mayAccess('read', who, opened.session)) {
    deps.viewer.leave(sessionId)
    throw notFound()
  }
  const { session, page, mayHaveOpenTask } = opened
  return { session, mayHaveOpenTask, ...cutPage(page, toKept(input)) }
}

async function findActiveReply(
  deps: OpenSessionDeps,
  sessionId: string,
): Promise<ActiveReply | null> {
  const open = await deps.replies.findOpen(sessionId)
  if (!open) return null
  const draft = await deps.bus.readDraft(sessionId, open.replyId)
  const { replyId, messageId: replyTo, modelId } = open
  const known = { replyId, replyTo, modelId }
  if (draft && draft.attempt >= open.epoch) return { ...known, ...draft }
  return { ...known, attempt: toAttempt(open), index: 0, text: '' }
}

/** A question that waits, also for another attempt, is nobody's attempt yet. */
function toAttempt(open: ReplyTask): number {
  return open.state === 'pending' ? 0 : open.epoch
}
