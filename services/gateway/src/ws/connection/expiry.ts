import type { Clock } from '@chatbox/core'

const WARNING_MS = 60_000
/** Node fires a timer with a longer delay at once. */
const MAX_DELAY_MS = 2 ** 31 - 1
/** Expiries within this time are handled together, because each check visits all connections. */
const GRAIN_MS = 250

/** A connection that ends with its token. */
export interface Expiring {
  /** In ms since the epoch. */
  readonly expiresAtMs: number
  /** Managed by the watch. */
  isWarned: boolean
  onExpiring(): void
  onExpired(): void
}

/**
 * Calls `onExpiring` 60 s before a token expires, or at once if less time is left, and `onExpired`
 * at its expiry. All connections share one timer, because a timer each would be a large part of a
 * connection's memory.
 */
export class ExpiryWatch {
  readonly #clock: Pick<Clock, 'now'>
  readonly #watched = new Set<Expiring>()
  #timer: NodeJS.Timeout | undefined
  #wakesAt = Infinity

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Starts to watch, or starts again with the expiry of a new token. */
  start(one: Expiring): void {
    one.isWarned = false
    this.#watched.add(one)
    this.#wakeAt(nextMoment(one))
  }

  stop(one: Expiring): void {
    this.#watched.delete(one)
    if (this.#watched.size > 0) return
    clearTimeout(this.#timer)
    this.#wakesAt = Infinity
  }

  #wakeAt(time: number): void {
    if (time >= this.#wakesAt) return
    this.#wakesAt = time
    clearTimeout(this.#timer)
    const delayMs = Math.max(0, time - this.#clock.now().getTime())
    this.#timer = setTimeout(() => this.#look(), Math.min(roundUp(delayMs), MAX_DELAY_MS))
    this.#timer.unref()
  }

  #look(): void {
    const now = this.#clock.now().getTime()
    this.#wakesAt = Infinity
    let next = Infinity
    for (const one of this.#watched) {
      if (nextMoment(one) <= now) this.#tell(one)
      if (this.#watched.has(one)) next = Math.min(next, nextMoment(one))
    }
    this.#wakeAt(next)
  }

  #tell(one: Expiring): void {
    if (one.isWarned) {
      this.stop(one)
      one.onExpired()
    } else {
      one.isWarned = true
      one.onExpiring()
    }
  }
}

function nextMoment({ expiresAtMs, isWarned }: Expiring): number {
  return expiresAtMs - (isWarned ? 0 : WARNING_MS)
}

function roundUp(delayMs: number): number {
  return Math.ceil(delayMs / GRAIN_MS) * GRAIN_MS
}
