import { setTimeout as sleep } from 'node:timers/promises'

/** How long an address waits for each answer while it has too many refused tokens. */
export const SLOW_REFUSAL_MS = 1000
/** Beyond this number nobody waits, because what waits is held. */
export const MAX_SLOW_REFUSALS = 100

/** Slows down whoever tries one bad token after another. A good token is never delayed. */
export class SlowRefusals {
  #waiting = 0

  async wait(): Promise<void> {
    if (this.#waiting >= MAX_SLOW_REFUSALS) return
    this.#waiting++
    await sleep(SLOW_REFUSAL_MS, undefined, { ref: false })
    this.#waiting--
  }
}
