import type { DraftEvent } from '../history.ts'
import { toSpans, type FaultSpan } from './fault-spans.ts'
import type { ModelRequest } from './model-requests.ts'
import type { RunIndex } from './run-index.ts'

/** How soon after a worker's death the model server sees its connections end. */
const CUT_WITHIN_MS = 1500

/**
 * From the death of the worker that was writing a reply to the first text of the next attempt: where
 * nothing else was wrong in that time, and where other faults were under way as well.
 */
export function measureTakeOvers(
  run: RunIndex,
): Record<'takeOver' | 'takeOverUnderFaults', number[]> {
  const shownAt = indexFirstText(run.sessions.flatMap(({ drafts }) => drafts))
  const spans = toSpans(run.faults)
  const measured = { takeOver: [] as number[], takeOverUnderFaults: [] as number[] }
  for (const kill of spans.filter(isWorkerKill)) {
    for (const requests of run.requests.values()) {
      const index = requests.findIndex((request) => isCutBy(request, kill))
      const next = index < 0 ? undefined : requests[index + 1]
      if (!next) continue
      const to = shownAt.get(next.id) ?? next.at
      const isAlone = spans.every((other) => other === kill || !overlaps(other, kill.from, to))
      measured[isAlone ? 'takeOver' : 'takeOverUnderFaults'].push(to - kill.from)
    }
  }
  return measured
}

/**
 * How often workers were killed while they wrote, and how many attempts one reply took. A worker that
 * dies between its claim and its request was not writing yet, but its attempt is one all the same.
 */
export function countDeaths(run: RunIndex): Record<string, number> {
  const kills = toSpans(run.faults).filter(isWorkerKill)
  const requests = [...run.requests.values()].flat()
  const attempts = new Map<string, number>()
  for (const { replyId, attempt } of run.sessions.flatMap(({ drafts }) => drafts)) {
    attempts.set(replyId, Math.max(attempt, attempts.get(replyId) ?? 0))
  }
  const counts = [...attempts.values()]
  return {
    requestsCutByKills: requests.filter((one) => kills.some((kill) => isCutBy(one, kill))).length,
    mostAttemptsOfOneReply: counts.reduce((most, count) => Math.max(most, count), 0),
    repliesWithTwentyAttempts: counts.filter((count) => count >= 20).length,
  }
}

function isWorkerKill({ kind, target }: FaultSpan): boolean {
  return kind.includes('kill') && target.startsWith('worker')
}

function isCutBy({ end }: ModelRequest, { from }: FaultSpan): boolean {
  return end?.phase === 'fail' && end.at >= from && end.at - from < CUT_WITHIN_MS
}

function overlaps(span: FaultSpan, from: number, to: number): boolean {
  return span.from <= to && span.to >= from
}

/** By request, when any viewer first showed something of it. */
function indexFirstText(drafts: readonly DraftEvent[]): Map<number, number> {
  const first = new Map<number, number>()
  for (const { text, since, at } of drafts) {
    const request = Number(/^\d+/u.exec(text ?? '')?.[0])
    const shownAt = since ?? at
    if (!Number.isNaN(request) && shownAt < (first.get(request) ?? Infinity)) {
      first.set(request, shownAt)
    }
  }
  return first
}
