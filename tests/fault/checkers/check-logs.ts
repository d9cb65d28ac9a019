import type { FinalMessage, FinalRead, SeenEvent, ViewerEvent } from '../history.ts'
import {
  acknowledgements,
  isReply,
  questionsOf,
  type Fault,
  type RunIndex,
  type SessionRun,
} from './run-index.ts'

/**
 * Checks that `seq` is dense in every log and every view, that an acknowledged message comes before
 * messages sent later, and that questions are answered in order.
 */
export function checkOrder(session: SessionRun): Fault[] {
  return [
    ...session.reads.flatMap(describeGaps),
    ...[...Map.groupBy(session.seen, ({ process }) => process)].flatMap(describeSteps),
    ...describeWaiting(session),
    ...describeAnswers(session.log),
  ]
}

/** A viewer may have opened the log at its latest page. A reader at the end reads all of it. */
function describeGaps({ source, reader, messages }: FinalRead): string[] {
  let expected = source === 'shown' ? (messages[0]?.seq ?? 1) : 1
  const found: string[] = []
  for (const { seq, id } of messages) {
    if (seq !== expected) {
      found.push(`the ${source} log of ${reader} has ${id} at seq ${seq} where ${expected} is next`)
    }
    expected = seq + 1
  }
  return found
}

function describeSteps([viewer, events]: [string, SeenEvent[]]): string[] {
  let last: number | undefined
  const found: string[] = []
  for (const [seq, id] of events.flatMap(({ entries }) => entries)) {
    if (last !== undefined && seq !== last + 1) {
      found.push(`${viewer} showed ${id} at seq ${seq} after seq ${last}`)
    }
    last = seq
  }
  return found
}

/** Checks that a message sent after any acknowledgement comes after the acknowledged one. */
function describeWaiting({ rows, sent }: SessionRun): string[] {
  const placed = sent.flatMap((message) => {
    // Takes the first of several, because another check reports duplicates.
    const seq = rows.rowsOf(message)[0]?.seq
    const invokedAt = message.tries[0]?.at ?? 0
    const doneAt = acknowledgements(message)[0]?.end.at ?? Infinity
    return seq === undefined ? [] : [{ id: message.clientMessageId, seq, invokedAt, doneAt }]
  })
  const done = placed.toSorted((a, b) => a.doneAt - b.doneAt)
  const found: string[] = []
  let next = 0
  let last = { seq: 0, id: '' }
  for (const { id, seq, invokedAt } of placed.sort((a, b) => a.invokedAt - b.invokedAt)) {
    for (let one = done[next]; one && one.doneAt < invokedAt; one = done[++next]) {
      if (one.seq > last.seq) last = one
    }
    if (seq > last.seq) continue
    found.push(
      `message ${id} at seq ${seq} was sent after ${last.id} was acknowledged at seq ${last.seq}`,
    )
  }
  return found
}

function describeAnswers(log: readonly FinalMessage[]): string[] {
  const questions = new Map(questionsOf(log).map(({ id, seq }) => [id, seq]))
  const answered = new Set<string>()
  const found: string[] = []
  let last = 0
  for (const { id, replyTo = '', seq } of log.filter(isReply)) {
    const question = questions.get(replyTo)
    if (question === undefined || answered.has(replyTo)) continue
    answered.add(replyTo)
    if (question < last) {
      found.push(`reply ${id} at seq ${seq} answers seq ${question} after ${last}`)
    }
    last = Math.max(last, question)
  }
  return found
}

/** Checks that the same `seq` is the same entry with the same text for every reader. */
export function checkDisagreement({ log, reads, seen }: SessionRun): Fault[] {
  const bySeq = new Map(log.map((row) => [row.seq, row]))
  return [
    ...reads.flatMap((read) => describeRead(read, bySeq)),
    ...reads.flatMap((read) => describeLength(read, endOf(log))),
    ...seen.flatMap(({ process, entries }) =>
      entries.flatMap(([seq, id]) => {
        const row = bySeq.get(seq)
        if (row?.id === id) return []
        return [`${process} showed ${id} at seq ${seq} where the log has ${row?.id ?? 'nothing'}`]
      }),
    ),
  ]
}

const FIELDS = ['id', 'content', 'status', 'sender', 'kind', 'event', 'replyTo'] as const

function describeRead(
  { source, reader, messages }: FinalRead,
  rows: ReadonlyMap<number, FinalMessage>,
): string[] {
  return messages.flatMap((row) => {
    const other = rows.get(row.seq)
    if (!other || FIELDS.every((field) => row[field] === other[field])) return []
    const what =
      row.id === other.id ? `another ${row.id}` : `${row.id} where the log has ${other.id}`
    return [`the ${source} log of ${reader} has ${what} at seq ${row.seq}`]
  })
}

/** Checks that a reader at the end gets the whole log. A viewer without its end is behind. */
function describeLength({ source, reader, messages }: FinalRead, end: number): string[] {
  const has = endOf(messages)
  if (source === 'shown' ? has <= end : has === end) return []
  return [`the ${source} log of ${reader} ends at seq ${has} and the log at ${end}`]
}

function endOf(log: readonly FinalMessage[]): number {
  return log.at(-1)?.seq ?? 0
}

/** Checks that every viewer shows the log to its end. */
export function checkShown({ log, reads }: SessionRun): Fault[] {
  return reads
    .filter(({ source, messages }) => source === 'shown' && endOf(messages) < endOf(log))
    .map(({ reader, messages }) => {
      return `${reader} shows the log up to seq ${endOf(messages)} of ${endOf(log)}`
    })
}

/** Checks that every disconnected viewer has returned. */
export function checkCaughtUp({ viewers }: RunIndex): Fault[] {
  return [...viewers].flatMap(([viewer, events]): Fault[] => {
    const lost = findUnrecovered(events)
    if (!lost) return []
    return [{ message: `${viewer} lost its connection and did not catch up again`, at: lost.at }]
  })
}

function findUnrecovered(events: readonly ViewerEvent[]): ViewerEvent | undefined {
  const lost = events.findLastIndex(({ phase }) => phase === 'lost')
  const isBack = events.slice(lost + 1).some(({ phase }) => phase === 'caught-up')
  return isBack ? undefined : events[lost]
}
