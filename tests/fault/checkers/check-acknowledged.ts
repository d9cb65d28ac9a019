import type { Finding } from '../history.ts'
import { RowFinder } from './row-finder.ts'
import type { RunIndex } from './run-index.ts'
import { acknowledgements, type Acknowledged } from './sent-messages.ts'

/** Every acknowledgement names a row that is there, at the place that it names. */
export function checkAcknowledged(run: RunIndex): Finding[] {
  return run.sessions.flatMap((session) => {
    const rows = new RowFinder(session)
    const { sessionId } = session
    return session.sent
      .filter((message) => rows.hasRow(message))
      .flatMap((message) => acknowledgements(message))
      .flatMap((acknowledged) => {
        const message = describe(acknowledged, rows)
        const { at } = acknowledged.end
        return message
          ? [{ check: 'acknowledged-without-row' as const, message, sessionId, at }]
          : []
      })
  })
}

function describe({ end }: Acknowledged, rows: RowFinder): string | undefined {
  const row = rows.byId(end.messageId)
  if (!row) return `message ${end.messageId} was acknowledged, and its text is under another id`
  if (row.seq === end.seq) return undefined
  return `message ${end.messageId} was acknowledged at seq ${end.seq} and is at seq ${row.seq}`
}
