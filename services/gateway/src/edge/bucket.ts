export interface BucketRule {
  /** What may be taken at once. */
  capacity: number
  /** What comes back. */
  perSecond: number
}

/** A bucket that is full at first and fills again by itself. A connection has several. */
export class Bucket {
  readonly #rule: BucketRule
  #left: number
  /** In ms, monotonic. */
  #filledAt: number

  constructor(rule: BucketRule, now: number) {
    this.#rule = rule
    this.#left = rule.capacity
    this.#filledAt = now
  }

  /** Returns false, and takes nothing, if there is not enough left. */
  take(amount: number, now: number): boolean {
    const { capacity, perSecond } = this.#rule
    const gained = ((now - this.#filledAt) / 1000) * perSecond
    this.#left = Math.min(capacity, this.#left + gained)
    this.#filledAt = now
    if (this.#left < amount) return false
    this.#left -= amount
    return true
  }
}
