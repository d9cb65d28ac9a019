import { toSpans, type FaultSpan } from './fault-spans.ts'
import type { ModelRequest } from './model-requests.ts'
import type { RunIndex } from './run-index.ts'

/** How many answers faults had a chance to spoil, and in how many a worker came too late. */
export function countStreams(run: RunIndex): Record<string, number> {
  const faults = toSpans(run.faults)
  const asked = [...run.requests.values()]
  return {
    streams: asked.length,
    streamsUnderFault: asked.filter((requests) => isStruck(requests, faults)).length,
    streamsWithSeveralAttempts: asked.filter((requests) => requests.length > 1).length,
    /** Streamed to the end for a worker whose reply another one had begun to write anew. */
    attemptsSuperseded: asked.flatMap(findSuperseded).length,
  }
}

function isStruck(requests: readonly ModelRequest[], faults: readonly FaultSpan[]): boolean {
  return requests.some(({ at, end }) =>
    faults.some(({ from, to }) => from <= (end?.at ?? Infinity) && to >= at),
  )
}

/** One that was cut is the end of its worker, or of its wish for it: only a whole one is a rival. */
function findSuperseded(requests: readonly ModelRequest[]): ModelRequest[] {
  return requests.slice(0, -1).filter(({ end }) => end?.phase === 'ok')
}
