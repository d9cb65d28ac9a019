import type { FinalMessage, FinalRead, Finding, SeenEvent } from '../history.ts'
import { isReply, questionsOf, RowFinder } from './row-finder.ts'
import { groupBy, type RunIndex, type SessionRun } from './run-index.ts'
import { acknowledgements } from './sent-messages.ts'

/**
 * `seq` is dense in every log and in what every viewer showed; what was acknowledged before
 * something else was sent stands before it; questions are answered in their order.
 */
export function checkOrder(run: RunIndex): Finding[] {
  return run.sessions.flatMap((session) => {
    const { sessionId } = session
    const found = [
      ...session.reads.flatMap(describeRead),
      ...[...groupBy(session.seen, ({ process }) => process)].flatMap(describeSeen),
      ...describeWaiting(session),
      ...describeAnswers(session.log),
    ]
    return found.map((message) => ({ check: 'order', message, sessionId }))
  })
}

/** A viewer may have opened the log at its latest page; whoever reads it at the end reads all. */
function describeRead({ source, reader, messages }: FinalRead): string[] {
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

function describeSeen([viewer, events]: [string, SeenEvent[]]): string[] {
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

/** Whether whoever waited for an acknowledgement, anywhere, comes after what it acknowledged. */
function describeWaiting({ log, sent }: SessionRun): string[] {
  const rows = new RowFinder({ log, sent })
  const placed = sent.flatMap((message) => {
    // The first of them where there are several: that is another check's finding.
    const seq = rows.rowsOf(message)[0]?.seq
    const invokedAt = message.tries[0]?.at ?? 0
    const [first] = acknowledgements(message)
    return seq === undefined ? [] : [{ message, seq, invokedAt, doneAt: first?.end.at }]
  })
  const done = placed
    .flatMap((one) => (one.doneAt === undefined ? [] : [{ ...one, doneAt: one.doneAt }]))
    .sort((a, b) => a.doneAt - b.doneAt)
  const found: string[] = []
  let next = 0
  let last = { seq: 0, id: '' }
  for (const { message, seq, invokedAt } of placed.sort((a, b) => a.invokedAt - b.invokedAt)) {
    for (let one = done[next]; one && one.doneAt < invokedAt; one = done[++next]) {
      if (one.seq > last.seq) last = { seq: one.seq, id: one.message.clientMessageId }
    }
    if (seq > last.seq) continue
    found.push(
      `message ${message.clientMessageId} at seq ${seq} was sent after ${last.id} was acknowledged at seq ${last.seq}`,
    )
  }
  return found
}

function describeAnswers(log: readonly FinalMessage[]): string[] {
  const questions = new Map(questionsOf(log).map(({ id, seq }) => [id, seq]))
  const answered = new Set<string>()
  const found: string[] = []
  let last = 0
  for (const { id, replyTo, seq } of log.filter(isReply)) {
    const question = replyTo === undefined ? undefined : questions.get(replyTo)
    if (replyTo === undefined || question === undefined || answered.has(replyTo)) continue
    answered.add(replyTo)
    if (question < last)
      found.push(`reply ${id} at seq ${seq} answers seq ${question} after ${last}`)
    last = Math.max(last, question)
  }
  return found
}
