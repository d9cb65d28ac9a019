/** How many places a lane may hold for each one that is free. */
export const SHARE = 4

/**
 * The places of a process for running jobs. A lane may take another place while it holds fewer than
 * four times as many as are free (dynamic thresholds, Choudhury and Hahne, 1998). Alone, a lane gets
 * four fifths of the places; two lanes get four ninths each. A lane that comes new therefore finds a
 * free place, also when the jobs of others run for minutes. Below five places nothing is kept free.
 */
export class SlotShares {
  readonly #slots: number
  readonly #held = new Map<string, number>()
  #used = 0

  constructor(slots: number) {
    this.#slots = slots
  }

  mayTake(lane: string): boolean {
    return (this.#held.get(lane) ?? 0) < SHARE * (this.#slots - this.#used)
  }

  /** Takes a place. Call it only for a lane that may. */
  take(lane: string): void {
    this.#used++
    this.#held.set(lane, (this.#held.get(lane) ?? 0) + 1)
  }

  release(lane: string): void {
    this.#used--
    const left = (this.#held.get(lane) ?? 0) - 1
    if (left > 0) this.#held.set(lane, left)
    else this.#held.delete(lane)
  }
}
