import type { DraftEvent, Finding, ViewerEvent } from '../history.ts'
import { groupBy, type RunIndex } from './run-index.ts'

/**
 * A viewer never takes a delta of a lower attempt after one of a higher, and never one twice or
 * after a hole; what came as the draft of a catch-up is no hole.
 */
export function checkAttempts(run: RunIndex): Finding[] {
  return run.sessions.flatMap(({ sessionId, drafts }) =>
    [...groupBy(drafts, ({ process, replyId }) => `${process}/${replyId}`).values()]
      .flatMap((rows) => describeRows(rows, run.viewers.get(rows[0]?.process ?? '') ?? []))
      .map(({ message, at }) => ({ check: 'attempts', message, sessionId, at })),
  )
}

interface Fault {
  message: string
  at: number
}

function describeRows(rows: readonly DraftEvent[], viewer: readonly ViewerEvent[]): Fault[] {
  const found: Fault[] = []
  let last: DraftEvent | undefined
  for (const row of rows) {
    const fault = describeStep(last, row, viewer)
    if (fault) {
      const name = `${row.process} on reply ${row.replyId}:`
      found.push({ message: `${name} ${fault}`, at: row.at })
    }
    if (!last || row.attempt >= last.attempt) last = row
  }
  return found
}

function describeStep(
  last: DraftEvent | undefined,
  row: DraftEvent,
  viewer: readonly ViewerEvent[],
): string | undefined {
  if (last && row.attempt < last.attempt) {
    return `attempt ${row.attempt} was taken after attempt ${last.attempt}`
  }
  const next = last?.attempt === row.attempt ? last.to + 1 : 0
  if (row.from === next) return undefined
  // Whoever was away may have been told the draft so far, or the draft anew, when it came back.
  if (row.joined || wasAway(last, row, viewer)) return undefined
  return `delta ${row.from} of attempt ${row.attempt} was taken where ${next} is next`
}

function wasAway(
  last: DraftEvent | undefined,
  row: DraftEvent,
  viewer: readonly ViewerEvent[],
): boolean {
  const [from, to] = [last?.at ?? -Infinity, row.since ?? row.at]
  return viewer.some(({ at }) => at >= from && at <= to)
}
