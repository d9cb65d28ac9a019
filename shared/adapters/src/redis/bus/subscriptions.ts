import { settlesWithin } from '@chatbox/core'
import { closeClient, type RedisClient } from '../client/connection.ts'

const PING_EVERY_MS = 5000
const BATCH = 500
const FIRST_WAIT_MS = 1000

type Kind = 'channel' | 'pattern'

interface Wanted {
  kind: Kind
  /** Settles when the server has first confirmed it. */
  inForce: PromiseWithResolvers<undefined>
}

/**
 * Keeps a set of channels subscribed on its own connection. After each reconnection it subscribes
 * to all of them again and calls `onGap`. Pings find a silent connection, which is then dropped,
 * because a subscriber cannot tell a quiet connection from a dead one.
 */
export class Subscriptions {
  readonly client: RedisClient
  readonly #wanted = new Map<string, Wanted>()
  readonly #onGap: () => void
  readonly #heartbeat: NodeJS.Timeout
  /** Called when a published event may have been missed. */
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
   * Resolves when the subscription is active, or after 1 s. A subscription that becomes active
   * later, by a late answer or the next connection, calls `onGap`.
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
    // A lost connection has no subscriptions anyway.
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
      // Half a set is worse than none. Start again with a new connection.
      this.#drop()
      return
    } finally {
      this.#isRestoring = false
    }
    this.#tellOfMissed()
  }

  /** Calls `onGap` only when the whole set is active. */
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
