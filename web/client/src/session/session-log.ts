import type {
  ActiveReply,
  ClientData,
  Message,
  ReplyDelta,
  ReplyStart,
  Session,
} from '@chatbox/contract'
import {
  addDelta,
  type Draft,
  joinReply,
  startAttempt,
  toDraft,
  toUnknownDraft,
  wantsCatchUp,
} from './draft.ts'

/**
 * A client's copy of one session. `messages` is a gapless part of the server's log that ends at
 * `lastSeq`. The order of events does not matter; `seq`, attempt and index do.
 */
export interface SessionLog {
  session: Session
  messages: readonly Message[]
  hasOlder: boolean
  lastSeq: number
  /** The seq of the server's newest known entry. */
  headSeq: number
  /** Early entries by seq. They wait for the missing ones before them. */
  ahead: readonly Message[]
  drafts: readonly Draft[]
  /** The question whose reply is still unknown; empty if there is none. */
  awaiting: string
}

export type LogEvent =
  | { type: 'message'; message: Message }
  | { type: 'start'; start: ReplyStart }
  | { type: 'delta'; delta: ReplyDelta }
  | { type: 'head'; lastSeq: number }
  | { type: 'session'; session: Session }
  /** A reply that was requested and that nobody writes yet. */
  | { type: 'expected'; reply: ActiveReply }
  /** Entries before the oldest known one. */
  | { type: 'older'; page: ClientData<'session:history'> }
  /** The answer to `session:open`, with `afterSeq` and the drafts of the time of the request. */
  | OpenedEvent

interface OpenedEvent {
  type: 'opened'
  page: ClientData<'session:open'>
  afterSeq?: number
  /** Defaults to the present drafts. */
  drafts?: readonly Draft[]
}

export const MAX_AHEAD = 200
/** Older entries are read again on demand. */
export const MAX_MESSAGES = 10_000
/** Only one reply is written at a time. Others wait here for their final messages. */
const MAX_DRAFTS = 4

export function createSessionLog(page: ClientData<'session:open'>): SessionLog {
  const empty: SessionLog = {
    session: page.session,
    messages: [],
    hasOlder: page.hasMore,
    lastSeq: 0,
    headSeq: 0,
    ahead: [],
    drafts: [],
    awaiting: '',
  }
  return applyEvent(empty, { type: 'opened', page })
}

/**
 * Applies one event: drops known data and adds what comes next. If the log `isBehind` then, the
 * session must be opened again after `lastSeq`.
 */
export function applyEvent(log: SessionLog, event: LogEvent): SessionLog {
  switch (event.type) {
    case 'message':
      return addMessage(log, event.message)
    case 'start':
      return onStart(log, event.start)
    case 'delta':
      return onDelta(log, event.delta)
    case 'head':
      return raiseHead(log, event.lastSeq)
    case 'session':
      return raiseHead(withSession(log, event.session), event.session.lastSeq)
    case 'expected':
      return withActiveReply(log, event.reply)
    case 'older':
      return addOlder(log, event.page)
    case 'opened':
      return onOpened(log, event)
  }
}

/** Returns true if a person has taken over or the session has ended. */
export function isModelSilent({ session }: SessionLog): boolean {
  return session.assistedBy !== null || session.status === 'ended'
}

/** Returns true if something is missing that can be requested from the server. */
export function isBehind(log: SessionLog): boolean {
  return log.headSeq > log.lastSeq || log.drafts.some(wantsCatchUp)
}

function raiseHead(log: SessionLog, seq: number): SessionLog {
  return seq > log.headSeq ? { ...log, headSeq: seq } : log
}

function addMessage(log: SessionLog, message: Message): SessionLog {
  if (message.seq <= log.lastSeq) return log
  const raised = raiseHead(log, message.seq)
  if (message.seq > log.lastSeq + 1) return { ...raised, ahead: insertAhead(log.ahead, message) }
  return takeAhead(appendMessage(raised, message))
}

function appendMessage(log: SessionLog, message: Message): SessionLog {
  const isFull = log.messages.length >= MAX_MESSAGES
  const kept = isFull ? log.messages.slice(1 - MAX_MESSAGES) : log.messages
  const next = {
    ...log,
    messages: [...kept, message],
    hasOlder: log.hasOlder || isFull,
    lastSeq: message.seq,
    drafts: log.drafts.filter(({ replyId }) => replyId !== message.id),
  }
  if (message.event) return afterEvent(next, message)
  if (isQuestion(message)) return isModelSilent(next) ? next : { ...next, awaiting: message.id }
  return message.replyTo === log.awaiting ? { ...next, awaiting: '' } : next
}

const QUESTION_KINDS: ReadonlySet<string> = new Set<Message['kind']>(['text', 'file', 'voice'])

/** Lists the kinds by name, because the model may not answer kinds of later versions. */
function isQuestion({ kind, sender }: Message): boolean {
  return sender.type === 'user' && QUESTION_KINDS.has(kind)
}

/** Applies an entry's change to the session, because the session's update may be late or lost. */
function afterEvent(log: SessionLog, { event, createdAt }: Message): SessionLog {
  const { session } = log
  const silent = { ...log, drafts: [], awaiting: '' }
  switch (event?.type) {
    case 'takeover_started':
      return {
        ...silent,
        session: { ...session, help: null, assistedBy: { ...event.by, since: createdAt } },
      }
    case 'session_ended':
      return {
        ...silent,
        session: { ...session, status: 'ended', help: null, assistedBy: null, endedAt: createdAt },
      }
    case 'takeover_ended':
      return { ...log, session: { ...session, assistedBy: null } }
    case 'model_selected':
      return { ...log, session: { ...session, modelId: event.modelId } }
    case 'help_requested':
      return {
        ...log,
        session: { ...session, help: { requestedAt: createdAt, note: event.note } },
      }
    case 'help_resolved':
      return { ...log, session: { ...session, help: null } }
    case undefined:
  }
  // Events of later versions end here too, although no type names them.
  return log
}

function takeAhead(log: SessionLog): SessionLog {
  const [first, ...rest] = log.ahead
  if (!first || first.seq > log.lastSeq + 1) return log
  const shorter = { ...log, ahead: rest }
  return takeAhead(first.seq === log.lastSeq + 1 ? appendMessage(shorter, first) : shorter)
}

function insertAhead(ahead: readonly Message[], message: Message): readonly Message[] {
  if (ahead.some(({ seq }) => seq === message.seq)) return ahead
  return [...ahead, message].sort((a, b) => a.seq - b.seq).slice(0, MAX_AHEAD)
}

function onStart(log: SessionLog, start: ReplyStart): SessionLog {
  if (isModelSilent(log) || isFinished(log, start.replyId)) return log
  const draft = findDraft(log, start.replyId)
  return putDraft(log, draft ? startAttempt(draft, start) : toDraft(start))
}

function onDelta(log: SessionLog, delta: ReplyDelta): SessionLog {
  if (isModelSilent(log) || isFinished(log, delta.replyId)) return log
  return putDraft(log, addDelta(findDraft(log, delta.replyId) ?? toUnknownDraft(delta), delta))
}

function onOpened(
  log: SessionLog,
  { page, afterSeq, drafts = log.drafts }: OpenedEvent,
): SessionLog {
  const base = afterSeq === undefined ? restartAt(log, page) : log
  const grown = page.messages.reduce(addMessage, base)
  const next = raiseHead(withSession(grown, page.session), page.session.lastSeq)
  const covered = Math.max(page.session.lastSeq, page.messages.at(-1)?.seq ?? afterSeq ?? 0)
  // A page that is older than the newest entry does not know the reply to that entry.
  return next.lastSeq === covered ? settleDrafts(next, page.reply, drafts) : next
}

/** Replaces the known entries with the latest page if there is a gap in between. */
function restartAt(log: SessionLog, page: ClientData<'session:open'>): SessionLog {
  const first = page.messages[0]?.seq ?? 0
  if (log.lastSeq > 0 && first <= log.lastSeq + 1) return log
  const lastSeq = Math.max(0, first - 1)
  return { ...log, messages: [], lastSeq, hasOlder: page.hasMore, awaiting: '' }
}

/**
 * Drops all drafts but the server's only unfinished reply, because the others are over. Keeps
 * drafts that began after the request, which the answer does not cover.
 */
function settleDrafts(
  log: SessionLog,
  reply: ActiveReply | null,
  asked: readonly Draft[],
): SessionLog {
  const kept = log.drafts.flatMap((draft) => {
    if (draft.replyId === reply?.replyId) return [{ ...draft, asks: draft.asks + 1 }]
    return asked.some(({ replyId }) => replyId === draft.replyId) ? [] : [draft]
  })
  const settled = { ...log, drafts: kept, awaiting: '' }
  return reply && !isModelSilent(log) ? withActiveReply(settled, reply) : settled
}

function withActiveReply(log: SessionLog, reply: ActiveReply): SessionLog {
  if (isFinished(log, reply.replyId)) return log
  const draft = findDraft(log, reply.replyId)
  return putDraft(log, draft ? joinReply(draft, reply) : toDraft(reply))
}

function withSession(log: SessionLog, session: Session): SessionLog {
  const known = log.session
  const older =
    session.lastSeq < Math.max(known.lastSeq, log.lastSeq) ||
    (session.lastSeq === known.lastSeq && session.lastActivityAt < known.lastActivityAt)
  return older ? log : { ...log, session }
}

function addOlder(log: SessionLog, page: ClientData<'session:history'>): SessionLog {
  const first = log.messages[0]?.seq ?? log.lastSeq + 1
  const older = page.messages.filter(({ seq }) => seq < first)
  const touches = older.at(-1)?.seq === first - 1
  if (older.length > 0 && !touches) return log
  return { ...log, messages: [...older, ...log.messages], hasOlder: page.hasMore }
}

function findDraft(log: SessionLog, id: string): Draft | undefined {
  return log.drafts.find(({ replyId }) => replyId === id)
}

function isFinished(log: SessionLog, replyId: string): boolean {
  return !findDraft(log, replyId) && log.messages.some(({ id }) => id === replyId)
}

function putDraft(log: SessionLog, draft: Draft): SessionLog {
  const index = log.drafts.findIndex(({ replyId }) => replyId === draft.replyId)
  const drafts =
    index < 0 ? [...log.drafts, draft].slice(-MAX_DRAFTS) : log.drafts.with(index, draft)
  return { ...log, drafts, awaiting: draft.replyTo === log.awaiting ? '' : log.awaiting }
}
