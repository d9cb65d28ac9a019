import type { ModelRequest } from './model-requests.ts'
import type { RunIndex } from './run-index.ts'

interface Span {
  from: number
  to: number
}

/** How many answers faults had a chance to spoil, and in how many a worker came too late. */
export function countStreams(run: RunIndex): Record<string, number> {
  const faults = toSpans(run)
  const asked = [...run.requests.values()]
  return {
    streams: asked.length,
    streamsUnderFault: asked.filter((requests) => isStruck(requests, faults)).length,
    streamsWithSeveralAttempts: asked.filter((requests) => requests.length > 1).length,
    /** Streamed to the end for a worker whose reply another one had begun to write anew. */
    attemptsSuperseded: asked.flatMap(findSuperseded).length,
  }
}

/** From each fault's beginning to its end, or on without one. */
function toSpans({ faults }: RunIndex): Span[] {
  const spans = new Map<number, Span>()
  for (const { id, phase, at } of faults) {
    const known = spans.get(id)
    if (phase === 'invoke') spans.set(id, { from: at, to: Infinity })
    else if (known) known.to = at
  }
  return [...spans.values()]
}

function isStruck(requests: readonly ModelRequest[], faults: readonly Span[]): boolean {
  return requests.some(({ at, end }) =>
    faults.some(({ from, to }) => from <= (end?.at ?? Infinity) && to >= at),
  )
}

/** One that was cut is the end of its worker, or of its wish for it: only a whole one is a rival. */
function findSuperseded(requests: readonly ModelRequest[]): ModelRequest[] {
  return requests.slice(0, -1).filter(({ end }) => end?.phase === 'ok')
}
