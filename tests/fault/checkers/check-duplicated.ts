import type { FinalRead, Finding } from '../history.ts'
import { RowFinder } from './row-finder.ts'
import { groupBy, type RunIndex, type SessionRun } from './run-index.ts'
import { acknowledgements, type SentMessage } from './sent-messages.ts'

/** One message in several rows, one id twice in a log, a resend that answers another message. */
export function checkDuplicated(run: RunIndex): Finding[] {
  return run.sessions.flatMap((session) => {
    const rows = new RowFinder(session)
    const { sessionId } = session
    return [
      ...session.sent.flatMap((message) => describeRows(message, rows)),
      ...session.sent.flatMap((message) => describeResends(message, rows)),
      ...describeReads(session),
    ].map((message) => ({ check: 'duplicated', message, sessionId }))
  })
}

function describeRows(message: SentMessage, rows: RowFinder): string[] {
  const held = rows.rowsOf(message)
  if (held.length < 2) return []
  const where = held.map(({ id, seq }) => `${id} at seq ${seq}`).join(', ')
  return [`message ${message.clientMessageId} is in the log ${held.length} times: ${where}`]
}

/** An id that is nobody's row is another check's finding. */
function describeResends(message: SentMessage, rows: RowFinder): string[] {
  const [first, ...later] = acknowledgements(message)
  return later
    .filter(({ end }) => end.messageId !== first?.end.messageId && rows.byId(end.messageId))
    .map(
      ({ end }) =>
        `a resend of ${message.clientMessageId} answered ${end.messageId} and not ${first?.end.messageId}`,
    )
}

function describeReads({ reads }: SessionRun): string[] {
  return reads.flatMap((read) => describeRead(read))
}

function describeRead({ messages, source, reader }: FinalRead): string[] {
  return [...groupBy(messages, ({ id }) => id)]
    .filter(([, rows]) => rows.length > 1)
    .map(([id, rows]) => {
      const seqs = rows.map(({ seq }) => seq).join(', ')
      return `message ${id} is ${rows.length} times in the ${source} log of ${reader}: seq ${seqs}`
    })
}
