/** How many lanes are remembered. Beyond it all are forgotten, and the next turns are less fair. */
export const MAX_LANES = 10_000

interface Entry<T> {
  lane: string
  /** The round of turns that the item belongs to. */
  round: number
  item: T
}

/**
 * A line in which lanes take turns, as start-time fair queueing does (Goyal, Vin, Cheng, 1996): an
 * item belongs to the round after its lane's last one, but to no round that is over. The round of
 * now is that of the first item. A lane that comes new is therefore served in this round, however
 * long the lines of others are, and no lane can be passed over for ever.
 */
export class FairLine<T> {
  /** In the order of service. */
  readonly #entries: Entry<T>[] = []
  readonly #lastRounds = new Map<string, number>()

  get size(): number {
    return this.#entries.length
  }

  get first(): T | undefined {
    return this.#entries[0]?.item
  }

  add(lane: string, item: T): void {
    const isFresh = this.#entries.length === 0 || this.#lastRounds.size >= MAX_LANES
    if (isFresh) this.#lastRounds.clear()
    const round = this.#nextRound(lane)
    this.#lastRounds.set(lane, round)
    this.#entries.splice(this.#endOf(round), 0, { lane, round, item })
  }

  /** Removes and returns the first item whose lane may be served. */
  take(mayServe: (lane: string) => boolean): T | undefined {
    const index = this.#entries.findIndex(({ lane }) => mayServe(lane))
    return index < 0 ? undefined : this.#entries.splice(index, 1)[0]?.item
  }

  remove(item: T): void {
    const index = this.#entries.findIndex((entry) => entry.item === item)
    if (index >= 0) this.#entries.splice(index, 1)
  }

  clear(): void {
    this.#entries.length = 0
    this.#lastRounds.clear()
  }

  /** Returns how many items a new one of this lane would wait for. */
  countAhead(lane: string): number {
    return this.#endOf(this.#nextRound(lane))
  }

  #nextRound(lane: string): number {
    const now = this.#entries[0]?.round ?? 0
    return Math.max(now, (this.#lastRounds.get(lane) ?? -1) + 1)
  }

  /** Returns the index after the last item of a round. */
  #endOf(round: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle]?.round ?? Infinity) <= round) low = middle + 1
      else high = middle
    }
    return low
  }
}
