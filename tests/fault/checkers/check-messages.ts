import type { FinalMessage } from '../history.ts'
import {
  acknowledgements,
  isReply,
  isUserText,
  type Fault,
  type SentMessage,
  type SessionRun,
} from './run-index.ts'

/** Finds acknowledged messages that are in no row of the log with any of their bodies. */
export function checkLost({ sent, rows }: SessionRun): Fault[] {
  return sent.flatMap((message): Fault[] => {
    const [first] = acknowledgements(message)
    if (!first || rows.hasRow(message)) return []
    const { messageId, seq, at } = first.end
    const name = `message ${messageId} (${message.clientMessageId})`
    return [{ message: `${name} was acknowledged at seq ${seq} and is not in the log`, at }]
  })
}

/** Checks that every acknowledgement names an existing row at its place. */
export function checkAcknowledged({ sent, rows }: SessionRun): Fault[] {
  const ends = sent.filter((message) => rows.hasRow(message)).flatMap(acknowledgements)
  return ends.flatMap(({ end: { messageId, seq, at } }): Fault[] => {
    const row = rows.byId(messageId)
    if (row?.seq === seq) return []
    const message = row
      ? `message ${messageId} was acknowledged at seq ${seq} and is at seq ${row.seq}`
      : `message ${messageId} was acknowledged, and its text is under another id`
    return [{ message, at }]
  })
}

/**
 * Finds a message in several rows, an id used twice in a log, and a resend that is answered with
 * another message.
 */
export function checkDuplicated(session: SessionRun): Fault[] {
  const { sent, reads } = session
  const twice = reads.flatMap(({ messages, source, reader }) =>
    [...Map.groupBy(messages, ({ id }) => id)]
      .filter(([, rows]) => rows.length > 1)
      .map(([id, rows]) => {
        const seqs = rows.map(({ seq }) => seq).join(', ')
        return `message ${id} is ${rows.length} times in the ${source} log of ${reader}: seq ${seqs}`
      }),
  )
  return [
    ...sent.flatMap((message) => describeRows(message, session)),
    ...sent.flatMap((message) => describeResends(message, session)),
    ...twice,
  ]
}

function describeRows(message: SentMessage, { rows }: SessionRun): string[] {
  const held = rows.rowsOf(message)
  if (held.length < 2) return []
  const where = held.map(({ id, seq }) => `${id} at seq ${seq}`).join(', ')
  return [`message ${message.clientMessageId} is in the log ${held.length} times: ${where}`]
}

/** Another check reports an id without a row. */
function describeResends(message: SentMessage, { rows }: SessionRun): string[] {
  const [first, ...later] = acknowledgements(message)
  const { messageId } = first?.end ?? {}
  return later
    .filter(({ end }) => end.messageId !== messageId && rows.byId(end.messageId))
    .map(
      ({ end }) =>
        `a resend of ${message.clientMessageId} answered ${end.messageId} and not ${messageId}`,
    )
}

/**
 * Finds rows that were never sent, were refused, or have another body than the sent or asked one.
 */
export function checkUnexpected(session: SessionRun): Fault[] {
  const strange = session.sent.flatMap((message) =>
    acknowledgements(message)
      .filter(({ end }) => !message.values.has(end.value))
      .map(({ end }) => `message ${end.messageId} was acknowledged with a body that nobody sent`),
  )
  return [...session.log.flatMap((row) => describeRow(row, session) ?? []), ...strange]
}

function describeRow(row: FinalMessage, session: SessionRun): string | undefined {
  if (isReply(row)) return describeReply(row, session)
  if (!isUserText(row)) return undefined
  const name = `message ${row.id} at seq ${row.seq}`
  const owner = session.rows.ownerOf(row)
  if (owner) {
    const isRefused = owner.tries.every(({ end }) => end?.phase === 'fail')
    return isRefused ? `${name} is in the log though refused` : undefined
  }
  const original = session.sent.find((message) =>
    acknowledgements(message).some(({ end }) => end.messageId === row.id),
  )
  return original
    ? `${name} has another body than ${original.clientMessageId} was sent with`
    : `${name} was never sent`
}

function describeReply(row: FinalMessage, { rows }: SessionRun): string | undefined {
  const question = row.replyTo === undefined ? undefined : rows.byId(row.replyTo)
  if (question && isUserText(question) && question.seq < row.seq) return undefined
  return `reply ${row.id} at seq ${row.seq} answers ${row.replyTo ?? 'nothing'}, which no question before it is`
}
