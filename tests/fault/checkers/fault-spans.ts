import type { FaultEvent } from '../history.ts'

/** One fault from its beginning to its end. */
export interface FaultSpan {
  kind: string
  target: string
  from: number
  /** Infinity where it had no end. */
  to: number
  /** It began and ended as it was meant to. */
  isDone: boolean
}

/** In the order in which they began; of the given kinds, or of all. */
export function toSpans(faults: readonly FaultEvent[], kinds?: readonly string[]): FaultSpan[] {
  const spans = new Map<number, FaultSpan>()
  for (const { id, phase, kind, target, at } of faults) {
    const known = spans.get(id)
    if (phase === 'invoke') spans.set(id, { kind, target, from: at, to: Infinity, isDone: false })
    else if (known) Object.assign(known, { to: at, isDone: phase === 'ok' })
  }
  return [...spans.values()].filter(({ kind }) => kinds?.includes(kind) ?? true)
}
