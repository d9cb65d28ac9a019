/** Two counts are compared when they are at least this far apart... */
const SHORTEST_MS = 1000
/** ...and at most this far, because the line may have been empty in between. */
const FARTHEST_MS = 3000
/** How much a new sample counts. */
const WEIGHT = 0.5
/** A longer wait is not said. */
const LONGEST_MS = 600_000
/** A shorter line has no known wait: its rate may be chance. */
const SHORT_LINE = 20

/** Estimates waits from how fast jobs leave a line while some wait. */
export class LineRate {
  #sample: { served: number; at: number } | undefined
  #perMs: number | undefined

  /** Notes how many jobs wait, and how many have ever left the line. `now` is in ms. */
  note({ waiting, served }: { waiting: number; served: number }, now: number): void {
    const last = this.#sample
    const sinceMs = last ? now - last.at : Infinity
    if (waiting === 0 || !last || sinceMs > FARTHEST_MS || served < last.served) {
      this.#sample = waiting === 0 ? undefined : { served, at: now }
      this.#perMs = undefined
    } else if (sinceMs >= SHORTEST_MS && served > last.served) {
      // That nothing left the line in a second may be chance. A rate of zero would be a wait for ever.
      const perMs = (served - last.served) / sinceMs
      this.#perMs = this.#perMs === undefined ? perMs : this.#perMs + WEIGHT * (perMs - this.#perMs)
      this.#sample = { served, at: now }
    }
  }

  /** Returns the wait behind `ahead` jobs that were counted `agoMs` ago; 0 if it is not known. */
  waitMs(ahead: number, agoMs = 0): number {
    if (this.#perMs === undefined || ahead < SHORT_LINE) return 0
    const left = Math.max(0, ahead - this.#perMs * agoMs)
    return Math.min(left / this.#perMs, LONGEST_MS)
  }
}
