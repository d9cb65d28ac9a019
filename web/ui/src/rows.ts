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

/**
 * Creates the rows of the log. Of several replies to one question, only the last one that has text
 * is shown, and none once the next one is being written, because two would read like one answer. A
 * last reply without text is shown as well: it says why the second try failed. Apart from the
 * drafts of `toRetries`, the rows change only with the log.
 */
export function toLogRows(log: SessionLog, now: Date): Row[] {
  const { messages, session } = log
  const latest = new Map(messages.map(({ replyTo, id }) => [replyTo, id]))
  const worded = new Map(
    messages.filter(({ content }) => content !== '').map(({ replyTo, id }) => [replyTo, id]),
  )
  const retries = toRetries(log)
  const rows: Row[] = []
  let day = ''
  for (const message of messages) {
    const { id, replyTo } = message
    const isLatest = replyTo === undefined || latest.get(replyTo) === id
    const isReplaced = !isLatest && worded.get(replyTo) !== id
    if (isReplaced || retries.get(replyTo) === 'begun') continue
    const nextDay = toDay(message.createdAt, now)
    if (nextDay !== day) rows.push({ kind: 'day', key: `day-${message.seq}`, text: nextDay })
    day = nextDay
    const mayRetry = isLatest && !retries.has(replyTo) && isRetryUseful(message, session)
    rows.push(toRow(message, session.status === 'active' && mayRetry))
  }
  return rows
}

/** The questions whose reply is being written, by id, and whether it has text yet. */
function toRetries({ drafts }: SessionLog): Map<string | undefined, 'waiting' | 'begun'> {
  return new Map(drafts.map(({ replyTo, text }) => [replyTo, text === '' ? 'waiting' : 'begun']))
}

/** The part of the drafts that `toLogRows` depends on, as text. It does not change with each piece. */
export function toRetriesKey(log: SessionLog): string {
  return JSON.stringify([...toRetries(log)])
}

/** The same model would end the same way where its error says so. Another model may not. */
function isRetryUseful({ error, modelId }: Message, session: SessionLog['session']): boolean {
  return error?.retryable !== false || modelId !== session.modelId
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

function toRow(message: Message, mayRetry: boolean): Row {
  const key = message.clientMessageId ?? message.id
  if (!isText(message)) return { kind: 'event', key, message }
  if (message.sender.type === 'user') return { kind: 'message', key, message }
  const isPartial = PARTIAL.has(message.status)
  const canRetry = mayRetry && message.sender.type === 'ai' && isPartial
  return { kind: 'reply', key, message, canRetry }
}

const TEXT_KINDS: ReadonlySet<string> = new Set<Message['kind']>(['text', 'file', 'voice'])

/** Returns false for a change of the session and for entries of later versions. */
export function isText({ kind, event }: Message): boolean {
  return event === undefined && TEXT_KINDS.has(kind)
}

/** Who reads a log: the user whose chat it is, or an operator. */
export type Reader = 'user' | 'operator'

/**
 * Describes a change of the session in words. For an entry of a later version, returns a general
 * line.
 */
export function toEventText(
  { event }: Message,
  models: readonly Model[],
  reader: Reader = 'user',
): string {
  const own = reader === 'user' ? strings : strings.toOperator
  switch (event?.type) {
    case 'help_requested':
      return own.helpRequested
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
      return own.endedBy[event.reason] ?? strings.sessionEnded
    case undefined:
  }
  return strings.unknownEntry
}

/** Says in one voice how a reply ended and why, without saying either twice. */
export function toFaultText({ status, error }: Pick<Message, 'status' | 'error'>): string {
  const { code, message = '' } = error ?? {}
  // It tells only that the reply was cut off.
  const reason = code === 'LLM_TRUNCATED' ? '' : message
  if (status === 'failed') return reason || strings.failed
  // It did answer, and no more is known.
  if (reason === '' || code === 'LLM_UNAVAILABLE') return strings.incomplete
  return `${strings.incomplete} ${reason}`
}

/** Returns true for a reply that is shown with the reason why it is not whole. */
export function isFaulty({ status }: Message): boolean {
  return status === 'failed' || status === 'incomplete'
}

export function toSenderName({ type, name }: Sender, reader: Reader = 'user'): string {
  if (type === 'user') return reader === 'user' ? strings.you : name || strings.visitor
  if (type === 'admin') return name || strings.operator
  return name || strings.assistant
}
