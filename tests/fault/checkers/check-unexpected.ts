import type { FinalMessage, Finding } from '../history.ts'
import { isReply, isUserText, RowFinder } from './row-finder.ts'
import type { RunIndex, SessionRun } from './run-index.ts'
import { acknowledgements } from './sent-messages.ts'

/** Present and never sent, sent and refused, or with another body than was sent or asked. */
export function checkUnexpected(run: RunIndex): Finding[] {
  return run.sessions.flatMap((session) => {
    const rows = new RowFinder(session)
    const { sessionId } = session
    const found = [
      ...session.log.map((row) => describeRow(row, { session, rows })),
      ...describeAcknowledgements(session),
    ]
    return found
      .filter((message) => message !== undefined)
      .map((message) => ({ check: 'unexpected', message, sessionId }))
  })
}

interface Known {
  session: SessionRun
  rows: RowFinder
}

function describeRow(row: FinalMessage, { session, rows }: Known): string | undefined {
  if (isReply(row)) return describeReply(row, rows)
  if (!isUserText(row)) return undefined
  const owner = rows.ownerOf(row)
  if (!owner) return describeStranger(row, session)
  const isRefused = owner.tries.every(({ end }) => end?.phase === 'fail')
  return isRefused ? `message ${row.id} at seq ${row.seq} is in the log though refused` : undefined
}

function describeReply(row: FinalMessage, rows: RowFinder): string | undefined {
  const question = row.replyTo === undefined ? undefined : rows.byId(row.replyTo)
  if (question && isUserText(question) && question.seq < row.seq) return undefined
  return `reply ${row.id} at seq ${row.seq} answers ${row.replyTo ?? 'nothing'}, which no question before it is`
}

function describeStranger(row: FinalMessage, { sent }: SessionRun): string {
  const original = sent.find((message) =>
    acknowledgements(message).some(({ end }) => end.messageId === row.id),
  )
  return original
    ? `message ${row.id} at seq ${row.seq} has another body than ${original.clientMessageId} was sent with`
    : `message ${row.id} at seq ${row.seq} was never sent`
}

function describeAcknowledgements({ sent }: SessionRun): string[] {
  return sent.flatMap((message) =>
    acknowledgements(message)
      .filter(({ end }) => !message.values.has(end.value))
      .map(({ end }) => `message ${end.messageId} was acknowledged with a body that nobody sent`),
  )
}
