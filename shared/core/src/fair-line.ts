/** How many lanes are remembered. Beyond it all are forgotten, and the next turns are less fair. */
export const MAX_LANES = 10_000

/** Where an item stands: by its round of turns, then by when it came. */
export interface Place {
  round: number
  order: number
}

interface Entry<T> extends Place {
  lane: string
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
  #order = 0
  /** The last round that was ever given. An empty line goes on there, so that old places stay old. */
  #lastRound = 0

  get size(): number {
    return this.#entries.length
  }

  get first(): T | undefined {
    return this.#entries[0]?.item
  }

  /** In the order of service. */
  get items(): T[] {
    return this.#entries.map(({ item }) => item)
  }

  /** Adds an item, at its lane's next place or at one that it had before. Returns its place. */
  add(lane: string, item: T, former?: Place): Place {
    const place = former ?? this.#nextPlace(lane)
    this.#entries.splice(this.#endOf(place), 0, { ...place, lane, item })
    return place
  }

  /** Removes and returns the first item whose lane may be served. */
  take(mayServe: (lane: string) => boolean = () => true): T | undefined {
    const index = this.#entries.findIndex(({ lane }) => mayServe(lane))
    return index < 0 ? undefined : this.#entries.splice(index, 1)[0]?.item
  }

  /** Removes and returns the last item. */
  takeLast(): T | undefined {
    return this.#entries.pop()?.item
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
    return this.#endOf({ round: this.#nextRound(lane), order: Infinity })
  }

  #nextPlace(lane: string): Place {
    const isFresh = this.#entries.length === 0 || this.#lastRounds.size >= MAX_LANES
    if (isFresh) this.#lastRounds.clear()
    const round = this.#nextRound(lane)
    this.#lastRounds.set(lane, round)
    this.#lastRound = Math.max(this.#lastRound, round)
    return { round, order: this.#order++ }
  }

  #nextRound(lane: string): number {
    const now = this.#entries[0]?.round ?? this.#lastRound
    return Math.max(now, (this.#lastRounds.get(lane) ?? -1) + 1)
  }

  /** Returns the index after the last item that is not behind `place`. */
  #endOf(place: Place): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = this.#entries[middle]
      if (entry && isBehind(entry, place)) high = middle
      else low = middle + 1
    }
    return low
  }
}

function isBehind(entry: Place, place: Place): boolean {
  return entry.round === place.round ? entry.order > place.order : entry.round > place.round
}
