/** A moment that all steps together have to come to an end by. */
export interface Deadline {
  /** What the next step may take, in ms: at least 1, at most `capMs`. */
  left(capMs?: number): number
  isOver(): boolean
}

export function createDeadline(ms: number): Deadline {
  const endsAt = performance.now() + ms
  const left = () => endsAt - performance.now()
  return {
    left: (capMs = Infinity) => Math.max(1, Math.ceil(Math.min(capMs, left()))),
    isOver: () => left() <= 0,
  }
}
