export interface RememberedOptions {
  /** The maximum number of entries. Beyond it, the one that was set first is forgotten. */
  max: number
  forMs: number
  /** In milliseconds, from any start. */
  now?: () => number
}

/** Facts that were learned from outside and may change there, so each is forgotten after a time. */
export class Remembered<K, V> {
  readonly #entries = new Map<K, { value: V; until: number }>()
  readonly #max: number
  readonly #forMs: number
  readonly #now: () => number

  constructor({ max, forMs, now = () => performance.now() }: RememberedOptions) {
    this.#max = max
    this.#forMs = forMs
    this.#now = now
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (!entry || entry.until > this.#now()) return entry?.value
    this.#entries.delete(key)
    return undefined
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, until: this.#now() + this.#forMs })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#max && oldest !== undefined) this.#entries.delete(oldest)
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }
}
