import { isVisitorId } from '@chatbox/core'
import { tooManyRequests } from './rate-guard.ts'

/** How many pieces of work may be under way at once. */
export interface SlotCaps {
  user: number
  /** Many users may share an address. */
  address: number
  process: number
  /** The share of visitors, so that users with a token of the site always find a slot. */
  visitors: { address: number; process: number }
}

interface Holder {
  userId: string
  /** See `toAddressKey`. */
  address: string
}

const RETRY_MS = 5000

/**
 * Counts work that holds memory for as long as a client takes to read its result. Each process
 * counts for itself, because the memory is its own. The caps also bound the map.
 */
export class Slots {
  readonly #caps: SlotCaps
  readonly #held = new Map<string, number>()

  constructor(caps: SlotCaps) {
    this.#caps = caps
  }

  /**
   * Takes a slot of the user, of the address and of the process, or throws `TOO_MANY_REQUESTS`. The
   * returned function gives them back; another call of it does nothing.
   */
  enter({ userId, address }: Holder): () => void {
    const { user, address: ofAddress, process, visitors } = this.#caps
    const wanted: [key: string, cap: number][] = [
      [`user ${userId}`, user],
      [`address ${address}`, ofAddress],
      ['process', process],
    ]
    if (isVisitorId(userId)) {
      wanted.push([`visitors ${address}`, visitors.address], ['visitors', visitors.process])
    }
    for (const [key, cap] of wanted) if (this.#count(key) >= cap) throw tooManyRequests(RETRY_MS)
    for (const [key] of wanted) this.#held.set(key, this.#count(key) + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      for (const [key] of wanted) this.#leave(key)
    }
  }

  #count(key: string): number {
    return this.#held.get(key) ?? 0
  }

  #leave(key: string): void {
    const left = this.#count(key) - 1
    if (left > 0) this.#held.set(key, left)
    else this.#held.delete(key)
  }
}
