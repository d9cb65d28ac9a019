import type { GatewayOptions } from '../../context.ts'

/** The place of one connection. */
export interface Place {
  /** The address key of the client. */
  readonly address: string
  /** `waiting` until the handshake has decided. */
  holder: 'waiting' | 'visitor' | 'user' | 'gone'
  /** Closes the connection, which then leaves. */
  close(): void
}

/** The connections of one address, or of all. */
class Held {
  all = 0
  visitors = 0
  /** Those without a finished handshake, the oldest first. */
  readonly waiting = new Set<Place>()
}

type PlaceLimits = Pick<
  GatewayOptions['limits'],
  'maxConnections' | 'maxConnectionsPerAddress' | 'visitorConnections'
>

/** One address never gets more of a process, whatever its own limit is. */
const ADDRESS_SHARE = 0.8

/**
 * Shares out the connections of this process. They are counted here and not over all gateways,
 * because the places themselves belong to a process: a count of this process is exact, frees a
 * place at once, and does not depend on Redis.
 *
 * - An address has a limit of its own.
 * - Visitors have a share of the process and of each address, so that a user with a token of the
 *   site finds a place however many visitors there are.
 * - A connection that has not finished its handshake keeps nobody out: if a place is needed, the one
 *   that has waited longest is closed.
 */
export class SocketPlaces {
  readonly #most: number
  readonly #mostOfAddress: number
  readonly #visitorShare: number
  readonly #byAddress = new Map<string, Held>()
  readonly #total = new Held()

  constructor({ maxConnections, maxConnectionsPerAddress, visitorConnections }: PlaceLimits) {
    this.#most = maxConnections
    const share = Math.ceil(maxConnections * ADDRESS_SHARE)
    this.#mostOfAddress = Math.min(maxConnectionsPerAddress, share)
    this.#visitorShare = visitorConnections / 100
  }

  /** Returns whether a connection of this address would get a place. */
  hasRoom(address: string): boolean {
    return this.#isFree(address) || this.#findWaiting(address) !== undefined
  }

  /** Returns false if there is no place. Else the connection has one until it leaves. */
  enter(place: Place): boolean {
    if (!this.#isFree(place.address)) {
      const other = this.#findWaiting(place.address)
      if (!other) return false
      this.leave(other)
      other.close()
    }
    const held = this.#byAddress.get(place.address) ?? new Held()
    this.#byAddress.set(place.address, held)
    for (const count of [held, this.#total]) {
      count.all++
      count.waiting.add(place)
    }
    return true
  }

  /** Ends the wait. Returns false for a visitor beyond the share of visitors. */
  admit(place: Place, holder: 'visitor' | 'user'): boolean {
    const held = this.#byAddress.get(place.address)
    // It has been closed in the meantime.
    if (!held?.waiting.has(place)) return false
    if (holder === 'visitor') {
      if (this.#total.visitors >= this.#shareOf(this.#most)) return false
      if (held.visitors >= this.#shareOf(this.#mostOfAddress)) return false
      held.visitors++
      this.#total.visitors++
    }
    for (const { waiting } of [held, this.#total]) waiting.delete(place)
    place.holder = holder
    return true
  }

  /** Idempotent. */
  leave(place: Place): void {
    const held = this.#byAddress.get(place.address)
    if (!held || place.holder === 'gone') return
    for (const count of [held, this.#total]) {
      count.waiting.delete(place)
      count.all--
      if (place.holder === 'visitor') count.visitors--
    }
    if (held.all === 0) this.#byAddress.delete(place.address)
    place.holder = 'gone'
  }

  #isFree(address: string): boolean {
    const held = this.#byAddress.get(address)?.all ?? 0
    return this.#total.all < this.#most && held < this.#mostOfAddress
  }

  /**
   * Finds the connection that has waited longest, of the address if that is the limit. It costs the
   * same however many wait, because an address that is full may ask often.
   */
  #findWaiting(address: string): Place | undefined {
    const held = this.#byAddress.get(address)
    const isAddressFull = (held?.all ?? 0) >= this.#mostOfAddress
    const [oldest] = (isAddressFull && held ? held : this.#total).waiting
    return oldest
  }

  #shareOf(places: number): number {
    return Math.max(1, Math.floor(places * this.#visitorShare))
  }
}
