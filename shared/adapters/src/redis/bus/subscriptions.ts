import { settlesWithin } from '@chatbox/core'
import { closeClient, type RedisClient } from '../client/connection.ts'

const PING_EVERY_MS = 5000
const BATCH = 500
const FIRST_WAIT_MS = 1000

type Kind = 'channel' | 'pattern'

interface Wanted {
  kind: Kind
  /** Settles when the server has confirmed it for the first time. */
  inForce: PromiseWithResolvers<undefined>
}

/**
 * Keeps a set of channels subscribed on one connection of its own. After each reconnection the whole set is
 * subscribed again and `onGap` called; a connection that is silent is found by pings and dropped,
 * since a subscriber that hears nothing cannot tell a quiet line from a dead one.
 */
export class Subscriptions {
  readonly client: RedisClient
  readonly #wanted = new Map<string, Wanted>()
  readonly #onGap: () => void
  readonly #heartbeat: NodeJS.Timeout
  /** Something may have been published that nobody here heard. */
  #missed = false
  #isRestoring = false

  constructor(client: RedisClient, onGap: () => void) {
    this.client = client
    this.#onGap = onGap
    client.on('close', () => {
      if (this.#wanted.size > 0) this.#missed = true
    })
    client.on('ready', () => void this.#restore())
    this.#heartbeat = setInterval(() => void this.#checkAlive(), PING_EVERY_MS).unref()
  }

  /**
   * Resolves once the subscription is in force, and after 1 s also when it is not: `onGap` tells when
   * it is, by an answer that is late or by the next connection.
   */
  async add(name: string, kind: Kind = 'channel'): Promise<void> {
    let wanted = this.#wanted.get(name)
    if (!wanted) {
      wanted = { kind, inForce: Promise.withResolvers() }
      this.#wanted.set(name, wanted)
      void this.#send([[name, wanted]]).then(
        () => this.#tellOfMissed(),
        () => this.#drop(),
      )
    }
    if (!(await settlesWithin(FIRST_WAIT_MS, wanted.inForce.promise))) this.#missed = true
  }

  async remove(name: string): Promise<void> {
    const wanted = this.#wanted.get(name)
    if (!wanted) return
    this.#wanted.delete(name)
    wanted.inForce.resolve(undefined)
    // A connection that is away has forgotten the channel anyway.
    await (
      wanted.kind === 'pattern' ? this.client.punsubscribe(name) : this.client.unsubscribe(name)
    ).catch(() => undefined)
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat)
    for (const wanted of this.#wanted.values()) wanted.inForce.resolve(undefined)
    this.#wanted.clear()
    await closeClient(this.client)
  }

  async #restore(): Promise<void> {
    const wanted = [...this.#wanted]
    this.#isRestoring = true
    try {
      for (let from = 0; from < wanted.length; from += BATCH) {
        await this.#send(wanted.slice(from, from + BATCH))
      }
    } catch {
      // Half a set is worse than none: begin again with a new connection.
      this.#drop()
      return
    } finally {
      this.#isRestoring = false
    }
    this.#tellOfMissed()
  }

  /** Not before the whole set is in force. */
  #tellOfMissed(): void {
    if (!this.#missed || this.#isRestoring) return
    this.#missed = false
    this.#onGap()
  }

  async #send(entries: [string, Wanted][]): Promise<void> {
    const channels = entries.filter(([, { kind }]) => kind === 'channel').map(([name]) => name)
    const patterns = entries.filter(([, { kind }]) => kind === 'pattern').map(([name]) => name)
    await Promise.all([
      channels.length > 0 ? this.client.subscribe(...channels) : undefined,
      patterns.length > 0 ? this.client.psubscribe(...patterns) : undefined,
    ])
    for (const [, { inForce }] of entries) inForce.resolve(undefined)
  }

  async #checkAlive(): Promise<void> {
    if (this.client.status !== 'ready') return
    await this.client.ping().catch(() => this.#drop())
  }

  #drop(): void {
    if (this.client.status === 'ready') this.client.disconnect(true)
  }
}
