import type { ChatState, Draft, SessionLog, UnsentMessage } from '@chatbox/client'
import type { Message, Model, Sender } from '@chatbox/contract'
import { strings, toDay } from './strings.ts'

/** The rows, top to bottom. A row keeps its key while it grows and when it is confirmed. */
export type Row =
  | { kind: 'day'; key: string; text: string }
  | { kind: 'message'; key: string; message: Message }
  | { kind: 'reply'; key: string; message: Message; canRetry: boolean }
  | { kind: 'event'; key: string; message: Message }
  | { kind: 'draft'; key: string; draft: Draft }
  | { kind: 'awaiting'; key: string }
  | { kind: 'unsent'; key: string; unsent: UnsentMessage }

/** Creates the rows of the log, which change only with the log. */
export function toLogRows({ messages, session }: SessionLog, now: Date): Row[] {
  const latestReply = new Map(messages.map(({ replyTo, id }) => [replyTo, id]))
  const rows: Row[] = []
  let day = ''
  for (const message of messages) {
    const superseded =
      message.replyTo !== undefined && latestReply.get(message.replyTo) !== message.id
    if (superseded && message.content === '') continue
    const nextDay = toDay(message.createdAt, now)
    if (nextDay !== day) rows.push({ kind: 'day', key: `day-${message.seq}`, text: nextDay })
    day = nextDay
    rows.push(toRow(message, session.status === 'active' && !superseded))
  }
  return rows
}

/** Creates the rows after the log, for everything that is being written or sent. */
export function toTailRows(log: SessionLog, unsent: ChatState['unsent']): Row[] {
  const drafts = log.drafts.map((draft): Row => ({ kind: 'draft', key: draft.replyId, draft }))
  const known = new Set(log.messages.slice(-100).map(({ clientMessageId }) => clientMessageId))
  const rows = unsent
    .filter(({ clientMessageId }) => !known.has(clientMessageId))
    .filter(({ sessionId, failure }) => isShownIn(log, sessionId) || failure !== null)
    .map((item): Row => ({ kind: 'unsent', key: item.clientMessageId, unsent: item }))
  if (log.awaiting !== '' && drafts.length === 0) drafts.push({ kind: 'awaiting', key: 'awaiting' })
  return [...drafts, ...rows]
}

/**
 * Finds the user's latest message that a person has read and nobody is answering, because an answer
 * says more than a mark. Returns its id, or undefined if the model answers, however many people
 * watch.
 */
export function findSeen(
  { messages, session }: SessionLog,
  { readUpTo, user }: Pick<ChatState, 'readUpTo' | 'user'>,
): string | undefined {
  if (session.assistedBy === null && session.help === null) return undefined
  const others = Object.entries(readUpTo).filter(([id]) => id !== user?.id)
  const seq = Math.max(0, ...others.map(([, upTo]) => upTo))
  const texts = messages.filter(isText)
  const lastOfOthers = texts.findLast(({ sender }) => sender.type !== 'user')?.seq ?? 0
  const seen = texts.findLast((message) => message.sender.type === 'user' && message.seq <= seq)
  return seen && seen.seq > lastOfOthers ? seen.id : undefined
}

function isShownIn({ session }: SessionLog, sessionId: string | null): boolean {
  return sessionId === null ? session.status === 'active' : sessionId === session.id
}

/** Lists the statuses by name, because later versions may add harmless ones. */
const PARTIAL: ReadonlySet<string> = new Set<Message['status']>(['stopped', 'incomplete', 'failed'])

function toRow(message: Message, isLatest: boolean): Row {
  const key = message.clientMessageId ?? message.id
  if (!isText(message)) return { kind: 'event', key, message }
  if (message.sender.type === 'user') return { kind: 'message', key, message }
  const isPartial = PARTIAL.has(message.status)
  const canRetry = isLatest && message.sender.type === 'ai' && isPartial
  return { kind: 'reply', key, message, canRetry }
}

const TEXT_KINDS: ReadonlySet<string> = new Set<Message['kind']>(['text', 'file', 'voice'])

/** Returns false for a change of the session and for entries of later versions. */
export function isText({ kind, event }: Message): boolean {
  return event === undefined && TEXT_KINDS.has(kind)
}

/**
 * Describes a change of the session in words. For an entry of a later version, returns a general
 * line.
 */
export function toEventText({ event }: Message, models: readonly Model[]): string {
  switch (event?.type) {
    case 'help_requested':
      return strings.helpRequested
    case 'help_resolved':
      return strings.helpResolved
    case 'takeover_started':
      return strings.takeoverStarted(event.by.name)
    case 'takeover_ended':
      return strings.takeoverEnded(event.by.name)
    case 'model_selected':
      return strings.modelSelected(
        models.find(({ id }) => id === event.modelId)?.name ?? event.modelId,
      )
    case 'session_ended':
      return strings.endedBy[event.reason] ?? strings.sessionEnded
    case undefined:
  }
  return strings.unknownEntry
}

export function toSenderName({ type, name }: Sender): string {
  if (type === 'user') return strings.you
  if (type === 'admin') return name || strings.operator
  return name || strings.assistant
}
