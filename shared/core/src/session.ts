import type { Message, Session, SessionEvent, Usage } from '@chatbox/contract'
import { LIMITS } from '@chatbox/contract'
import type { AlertRuleName } from './alerts/alert-rules.ts'
import type { Payer } from './budgets.ts'
import { AppError } from './errors.ts'

/**
 * The state of a session after one entry of its log. A store saves it with each entry, so the
 * writer that wins the next `seq` has decided on exactly the state before it. Counts, usage and
 * takeovers therefore stay right with any number of concurrent writers. The next entry may be
 * written by a process of another version. The object keeps what a later version added, at any
 * level, in fields that this type does not name. Always derive a new state from the previous one,
 * so that those fields are kept.
 */
export interface SessionState {
  /** `active`, `ended`, or a status of a later version. This version appends nothing to those. */
  status: string
  name: string
  modelId: string
  lastActivityAt: string
  endedAt: string | null
  messageCount: number
  /** The number of the user's messages. Missing in a state of an older version. */
  userTexts?: number
  help: Session['help']
  assistedBy: Session['assistedBy']
  adminAssisted: boolean
  /**
   * Since when the user waits for a word of a person: from the request for one, or the first message
   * that no person has answered. Missing while nobody waits, and in a state of an older version.
   */
  waitingSince?: string
  usage: Usage
  responses: { count: number; totalMs: number; maxMs: number }
  /**
   * The number of questions without a complete answer in the log. At 0 none is open. Above 0 one
   * may be open, because a question can also end without an answer.
   */
  unanswered: number
  /**
   * The id of the newest message of the user that neither a person nor a complete reply has
   * answered, or of the hand-back that asked the model about it. Missing if there is none, and in a
   * state of an older version.
   */
  leftOpen?: string
  laterTexts?: LaterTexts
}

/** Texts that a later version sealed together with this version's, under its own names. */
export type LaterTexts = Readonly<Record<string, unknown>>

/**
 * The fields of a session that never change. Like `SessionState`, it keeps what a later version
 * added.
 */
export interface SessionOrigin {
  id: string
  userId: string
  userName: string
  startedAt: string
  laterTexts?: LaterTexts
}

/** The end of a log. An empty log has `seq` 0 and the initial state. */
export interface LogHead {
  seq: number
  state: SessionState
}

/** An entry to append. The log assigns its `seq`. */
export interface NewEntry {
  message: Omit<Message, 'seq'>
  /**
   * Asks the model for an answer with this reply id, unless a person has taken over. A hand-back
   * asks about what the user wrote last, if nobody has answered it.
   */
  replyId?: string
  /** For a question: whose budget the answer uses. */
  payer?: Payer | undefined
  /** With `replyId`: the lane of the job that answers it. */
  lane?: string | undefined
  /** For a reply: the time from the question's acknowledgement to the finished text. */
  responseTimeMs?: number
  /** If the log has moved past this seq, the entry is refused with `CONFLICT`. */
  expectedSeq?: number
}

export interface PlacedEntry {
  message: Message
  state: SessionState
  /** Set if the entry is a question that the model has to answer. */
  question: {
    replyId: string
    modelId: string
    payer: Payer | undefined
    lane: string | undefined
  } | null
  /** The rules of the alerts that the entry opens. */
  alerts: readonly AlertRuleName[]
}

export function initialState(modelId: string, startedAt: string): SessionState {
  return {
    status: 'active',
    name: '',
    modelId,
    lastActivityAt: startedAt,
    endedAt: null,
    messageCount: 0,
    help: null,
    assistedBy: null,
    adminAssisted: false,
    usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0 },
    responses: { count: 0, totalMs: 0, maxMs: 0 },
    unanswered: 0,
  }
}

/**
 * Builds the wire form of a session from its origin and the end of its log. Copies field by field,
 * because not everybody may see what a later version added.
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

/** Throws `SESSION_ENDED` if the session has ended. */
export function checkActive(session: Pick<Session, 'status'>): void {
  if (session.status === 'ended') throw new AppError('SESSION_ENDED', 'This session has ended.')
}

/**
 * Returns the entry placed after `head`, and the state after it. Throws `SESSION_ENDED`, `CONFLICT`
 * or `FORBIDDEN` if the state does not allow the entry. After a takeover the model can write
 * nothing.
 */
export function placeEntry(head: LogHead, entry: NewEntry): PlacedEntry {
  checkEntry(head, entry)
  const message: Message = { ...entry.message, seq: head.seq + 1 }
  const state = message.event
    ? afterEvent(head.state, message.event, message.createdAt)
    : afterText(head.state, message, entry.responseTimeMs)
  const { replyId, payer, lane } = entry
  const isWanted = !message.event || head.state.leftOpen !== undefined
  const question =
    replyId !== undefined && state.assistedBy === null && isWanted
      ? { replyId, modelId: state.modelId, payer, lane }
      : null
  const isQuestion = question !== null
  return {
    message,
    state: leaveOpen(countUnanswered(state, message, isQuestion), message, isQuestion),
    question,
    alerts: alertsOf(head.state, state, message),
  }
}

/** Under a takeover, only the first words that wait for the operator are a reason. */
function alertsOf(
  before: SessionState,
  after: SessionState,
  { event, sender }: Message,
): readonly AlertRuleName[] {
  if (event) return event.type === 'help_requested' ? ['help.requested', 'help.unanswered'] : []
  const beginsToWait = before.waitingSince === undefined && after.waitingSince !== undefined
  return sender.type === 'user' && after.assistedBy && beginsToWait ? ['reply.unread'] : []
}

/** A question that is asked again has no complete answer, so none is counted as answered twice. */
function countUnanswered(state: SessionState, message: Message, isQuestion: boolean): SessionState {
  const isAnswer = isCompleteReply(message) && message.replyTo !== undefined
  if (isQuestion === isAnswer) return state
  return { ...state, unanswered: Math.max(0, state.unanswered + (isQuestion ? 1 : -1)) }
}

function isCompleteReply({ sender, status }: Message): boolean {
  return sender.type === 'ai' && status === 'complete'
}

/** A stopped reply has answered nothing, because a takeover stops replies. */
function leaveOpen(state: SessionState, message: Message, isQuestion: boolean): SessionState {
  const { id, sender, event, replyTo } = message
  if (event ? isQuestion : sender.type === 'user') return { ...state, leftOpen: id }
  const isOfPerson = sender.type === 'admin' && !event
  const isAnswered = isOfPerson || (isCompleteReply(message) && replyTo === state.leftOpen)
  if (!isAnswered || state.leftOpen === undefined) return state
  const { leftOpen: _answered, ...answered } = state
  return answered
}

function checkEntry(head: LogHead, entry: NewEntry): void {
  const { sender, event } = entry.message
  const { assistedBy } = head.state
  if (entry.expectedSeq !== undefined && entry.expectedSeq !== head.seq) {
    throw new AppError('CONFLICT', 'The session has gone on in the meantime.')
  }
  if (head.state.status !== 'active') {
    throw new AppError('SESSION_ENDED', 'This session has ended.')
  }
  if (sender.type === 'ai' && assistedBy) {
    throw new AppError('CONFLICT', 'A person has taken over.')
  }
  if (sender.type === 'admin' && !event && assistedBy?.id !== sender.id) {
    throw new AppError('FORBIDDEN', 'Take the session over before writing in it.')
  }
}

function afterText(
  state: SessionState,
  message: Message,
  responseTimeMs: number | undefined,
): SessionState {
  return {
    ...waiting(state, message),
    name: state.name || (message.sender.type === 'user' ? toSessionName(message.content) : ''),
    lastActivityAt: later(state.lastActivityAt, message.createdAt),
    messageCount: state.messageCount + 1,
    ...(message.sender.type === 'user' && { userTexts: (state.userTexts ?? 0) + 1 }),
    usage: message.usage ? addUsage(state.usage, message.usage) : state.usage,
    responses:
      responseTimeMs === undefined
        ? state.responses
        : {
            ...state.responses,
            count: state.responses.count + 1,
            totalMs: state.responses.totalMs + responseTimeMs,
            maxMs: Math.max(state.responses.maxMs, responseTimeMs),
          },
  }
}

/** The user waits from the first message that no person has answered. */
function waiting(state: SessionState, { sender, createdAt }: Message): SessionState {
  if (sender.type === 'admin') return unawaited(state)
  const isAwaited = state.help !== null || state.assistedBy !== null
  if (sender.type !== 'user' || !isAwaited || state.waitingSince !== undefined) return state
  return { ...state, waitingSince: createdAt }
}

function unawaited({ waitingSince: _answered, ...state }: SessionState): SessionState {
  return state
}

function afterEvent(state: SessionState, event: SessionEvent, at: string): SessionState {
  const active = { ...state, lastActivityAt: later(state.lastActivityAt, at) }
  switch (event.type) {
    case 'help_requested':
      if (state.help || state.assistedBy) {
        throw new AppError('CONFLICT', 'A person has been asked for already.')
      }
      return { ...active, help: { requestedAt: at, note: event.note }, waitingSince: at }
    case 'help_resolved':
      if (!state.help) throw new AppError('CONFLICT', 'No person has been asked for.')
      return { ...unawaited(active), help: null }
    case 'takeover_started':
      if (state.assistedBy?.id !== event.from) throw hasOperator(state.assistedBy)
      return { ...active, help: null, assistedBy: { ...event.by, since: at }, adminAssisted: true }
    case 'takeover_ended':
      if (state.assistedBy?.id !== event.by.id) {
        throw hasOperator(state.assistedBy)
      }
      return { ...unawaited(active), assistedBy: null }
    case 'model_selected':
      return { ...active, modelId: event.modelId }
    case 'session_ended':
      // Ending a session is not an activity: `lastActivityAt` keeps the time of the last one.
      return { ...unawaited(state), status: 'ended', endedAt: at, help: null, assistedBy: null }
  }
}

/** The loser of a race reads who was first. */
function hasOperator(assistedBy: Session['assistedBy']): AppError {
  const message = assistedBy
    ? `${assistedBy.name || 'Another operator'} has this chat.`
    : 'Nobody has this chat.'
  return new AppError('CONFLICT', message)
}

/** The first line of the user's first message, cut at a code point. */
function toSessionName(content: string): string {
  const line = content
    .trim()
    .replace(/\n[^]*$/u, '')
    .trim()
  const points = Array.from(line)
  if (points.length <= LIMITS.sessionNameLength) return line
  return `${points
    .slice(0, LIMITS.sessionNameLength - 1)
    .join('')
    .trimEnd()}…`
}

/** Sums stop at the largest number that can be stored. A session goes on, however it was counted. */
export function addUsage(total: Usage, more: Usage): Usage {
  const add = (name: keyof Usage) => Math.min(total[name] + more[name], Number.MAX_SAFE_INTEGER)
  return {
    ...total,
    promptTokens: add('promptTokens'),
    completionTokens: add('completionTokens'),
    totalTokens: add('totalTokens'),
  }
}

function averageMs(responses: SessionState['responses']): number {
  return responses.count === 0 ? 0 : Math.round(responses.totalMs / responses.count)
}

/** ISO 8601 UTC times of the same precision sort as text. */
function later(a: string, b: string): string {
  return a > b ? a : b
}
