import type { FinalMessage } from '../history.ts'
import { toSpans, type FaultSpan } from './fault-spans.ts'
import type { ModelRequest } from './model-requests.ts'
import { isReply } from './row-finder.ts'
import type { RunIndex } from './run-index.ts'

const PAUSES = ['worker-zombie', 'worker-pause']

/**
 * Attempts whose worker slept while another one answered the question to the end, and awoke with a
 * whole answer of its own; and how many of those came to nothing.
 */
export function countZombies(run: RunIndex): Record<string, number> {
  const pauses = toSpans(run.faults, PAUSES)
  const zombies = [...run.requests.values()].flatMap((requests) =>
    requests.filter((request, index) => {
      const rivals = requests.slice(index + 1)
      return pauses.some((pause) => isZombie(request, rivals, pause))
    }),
  )
  const stored = new Set(run.sessions.flatMap(({ log }) => log.filter(isWhole).map(toRequestId)))
  return {
    zombies: zombies.length,
    zombiesRefused: zombies.filter(({ id }) => !stored.has(id)).length,
  }
}

/** A reply that was stopped keeps what its viewers saw, whoever stores it. */
function isWhole(row: FinalMessage): boolean {
  return isReply(row) && row.status === 'complete'
}

function isZombie(
  { at, process, end }: ModelRequest,
  rivals: readonly ModelRequest[],
  { target, from, to }: FaultSpan,
): boolean {
  if (process.replace('model', 'worker') !== target) return false
  // Begun before the pause and streamed to the end in it: the rest waits in the worker's socket.
  if (at > from || end?.phase !== 'ok' || end.at < from || end.at > to) return false
  return rivals.some((rival) => rival.end?.phase === 'ok' && rival.end.at <= to)
}

/** Each token of a text names its request. */
function toRequestId({ content }: FinalMessage): number {
  return Number.parseInt(content, 10)
}
