import type { DraftEvent, FaultEvent, ViewerEvent } from '../history.ts'
import type { ModelRequest } from './model-requests.ts'
import type { RunIndex } from './run-index.ts'
import type { SendTry } from './sent-messages.ts'

/** How soon after a worker's death the model server sees its connections end. */
const CUT_WITHIN_MS = 1500

/** Milliseconds, by what was waited for; names that nothing was measured for are left out. */
export function measureDurations(run: RunIndex): Record<string, number[]> {
  const tries = run.sessions.flatMap(({ sent }) => sent).flatMap((message) => message.tries)
  const viewers = [...run.viewers.values()]
  const all = {
    acknowledge: tries.flatMap((tried) => toDuration(tried, 'ok')),
    refuse: tries.flatMap((tried) => toDuration(tried, 'fail')),
    reconnect: viewers.flatMap((events) => measureSteps(events, 'lost', 'ready')),
    catchUp: viewers.flatMap((events) => measureSteps(events, 'ready', 'caught-up')),
    takeOver: measureTakeOvers(run),
  }
  return Object.fromEntries(Object.entries(all).filter(([, durations]) => durations.length > 0))
}

function toDuration({ at, end }: SendTry, phase: 'ok' | 'fail'): number[] {
  return end?.phase === phase ? [end.at - at] : []
}

function measureSteps(
  events: readonly ViewerEvent[],
  from: ViewerEvent['phase'],
  to: ViewerEvent['phase'],
): number[] {
  const durations: number[] = []
  let since: number | undefined
  for (const { phase, at } of events) {
    if (phase === from) since ??= at
    if (phase !== to || since === undefined) continue
    durations.push(at - since)
    since = undefined
  }
  return durations
}

/** From the death of the worker that was writing a reply to the next attempt's first text. */
function measureTakeOvers(run: RunIndex): number[] {
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
