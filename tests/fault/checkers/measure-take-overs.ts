import type { DraftEvent, FaultEvent } from '../history.ts'
import type { ModelRequest } from './model-requests.ts'
import type { RunIndex } from './run-index.ts'

/** How soon after a worker's death the model server sees its connections end. */
const CUT_WITHIN_MS = 1500

/** From the death of the worker that was writing a reply to the first text of the next attempt. */
export function measureTakeOvers(run: RunIndex): number[] {
  const shownAt = indexFirstText(run.sessions.flatMap(({ drafts }) => drafts))
  return run.faults.filter(isWorkerKill).flatMap(({ at: killedAt }) =>
    [...run.requests.values()].flatMap((requests) => {
      const index = requests.findIndex((request) => isCutBy(request, killedAt))
      const next = index < 0 ? undefined : requests[index + 1]
      return next ? [(shownAt.get(next.id) ?? next.at) - killedAt] : []
    }),
  )
}

function isWorkerKill({ phase, kind, target }: FaultEvent): boolean {
  return phase === 'invoke' && kind.includes('kill') && target.startsWith('worker')
}

function isCutBy({ end }: ModelRequest, killedAt: number): boolean {
  return end?.phase === 'fail' && end.at >= killedAt && end.at - killedAt < CUT_WITHIN_MS
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
