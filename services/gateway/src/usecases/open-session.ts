import type {
  ActiveReply,
  ClientData,
  ClientPayload,
  Message,
  Session,
  User,
} from '@chatbox/contract'
import type { ChatStore, EventBus, OpenReply } from '@chatbox/core'
import { findVisibleSession } from './access.ts'
import type { Viewer } from './announcer.ts'
import { readPage, type PageReader } from './read-page.ts'
import { resumeOrStartSession, type StartSessionDeps } from './start-session.ts'

export interface OpenSessionDeps extends StartSessionDeps {
  store: StartSessionDeps['store'] & PageReader & Pick<ChatStore, 'findOpenReply'>
  bus: StartSessionDeps['bus'] & Pick<EventBus, 'readDraft'>
  viewer: Viewer
}

/**
 * Joins a session and answers a page of its log. The join comes before every read: what happens
 * after the join arrives as an event, what happened before it is in the page, and what is in both
 * is told apart by its `seq`.
 */
export async function openSession(
  deps: OpenSessionDeps,
  who: User,
  input: ClientPayload<'session:open'>,
): Promise<ClientData<'session:open'>> {
  const { id } = await chooseSession(deps, who, input.sessionId)
  await deps.viewer.join(id)
  const session = await findVisibleSession(deps.store, who, id)
  deps.viewer.note(session)
  // The draft before the log: a reply that finishes in between is then in the log for sure.
  const reply = await findActiveReply(deps, id)
  const page = await readPage(deps.store, id, input)
  return { session, ...page, reply: unlessFinished(reply, page.messages) }
}

async function chooseSession(
  deps: OpenSessionDeps,
  who: User,
  sessionId: string | undefined,
): Promise<Session> {
  if (sessionId === undefined) return await resumeOrStartSession(deps, who)
  return await findVisibleSession(deps.store, who, sessionId)
}

async function findActiveReply(
  deps: OpenSessionDeps,
  sessionId: string,
): Promise<ActiveReply | null> {
  const open = await deps.store.findOpenReply(sessionId)
  if (!open) return null
  const draft = await deps.bus.readDraft(sessionId, open.replyId)
  const { replyId, messageId: replyTo, modelId } = open
  const known = { replyId, replyTo, modelId }
  if (draft && draft.attempt >= open.epoch) return { ...known, ...draft }
  return { ...known, attempt: toAttempt(open), index: 0, text: '' }
}

/** A question that waits, also for another attempt, is nobody's attempt yet. */
function toAttempt(open: OpenReply): number {
  return open.state === 'pending' ? 0 : open.epoch
}

function unlessFinished(reply: ActiveReply | null, messages: Message[]): ActiveReply | null {
  return messages.some((message) => message.id === reply?.replyId) ? null : reply
}
