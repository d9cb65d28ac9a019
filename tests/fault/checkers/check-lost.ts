import type { Finding } from '../history.ts'
import { RowFinder } from './row-finder.ts'
import type { RunIndex } from './run-index.ts'
import { acknowledgements } from './sent-messages.ts'

/** Acknowledged, and in no row of the log under any of its bodies. */
export function checkLost(run: RunIndex): Finding[] {
  return run.sessions.flatMap((session) => {
    const rows = new RowFinder(session)
    return session.sent.flatMap((message): Finding[] => {
      const [first] = acknowledgements(message)
      if (!first || rows.hasRow(message)) return []
      const { sessionId, clientMessageId } = message
      const { messageId, seq, at } = first.end
      const text = `message ${messageId} (${clientMessageId}) was acknowledged at seq ${seq} and is not in the log`
      return [{ check: 'lost', message: text, sessionId, at }]
    })
  })
}
