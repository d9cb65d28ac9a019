import type { FinalMessage, FinalRead, Finding, SeenEvent } from '../history.ts'
import type { RunIndex, SessionRun } from './run-index.ts'

/** The same `seq` is the same entry, with the same text, for everybody who has it. */
export function checkDisagreement(run: RunIndex): Finding[] {
  return run.sessions.flatMap((session) => {
    const { sessionId } = session
    const bySeq = new Map(session.log.map((row) => [row.seq, row]))
    const found = [
      ...session.reads.flatMap((read) => describeRead(read, bySeq)),
      ...session.reads.flatMap((read) => describeLength(read, session)),
      ...session.seen.flatMap((event) => describeSeen(event, bySeq)),
    ]
    return found.map((message) => ({ check: 'disagreement', message, sessionId }))
  })
}

type Rows = ReadonlyMap<number, FinalMessage>

function describeRead({ source, reader, messages }: FinalRead, rows: Rows): string[] {
  return messages.flatMap((row) => {
    const other = rows.get(row.seq)
    if (!other || isSame(row, other)) return []
    const what =
      row.id === other.id ? `another ${row.id}` : `${row.id} where the log has ${other.id}`
    return [`the ${source} log of ${reader} has ${what} at seq ${row.seq}`]
  })
}

function isSame(a: FinalMessage, b: FinalMessage): boolean {
  return (
    a.id === b.id &&
    a.content === b.content &&
    a.status === b.status &&
    a.sender === b.sender &&
    a.kind === b.kind &&
    a.event === b.event &&
    a.replyTo === b.replyTo
  )
}

/** Whoever reads the log at the end gets all of it; a viewer that lacks its end is behind. */
function describeLength({ source, reader, messages }: FinalRead, { log }: SessionRun): string[] {
  const [has, is] = [messages.at(-1)?.seq ?? 0, log.at(-1)?.seq ?? 0]
  if (source === 'shown' ? has <= is : has === is) return []
  return [`the ${source} log of ${reader} ends at seq ${has} and the log at ${is}`]
}

function describeSeen({ process, entries }: SeenEvent, rows: Rows): string[] {
  return entries.flatMap(([seq, id]) => {
    const row = rows.get(seq)
    if (row?.id === id) return []
    return [`${process} showed ${id} at seq ${seq} where the log has ${row?.id ?? 'nothing'}`]
  })
}
