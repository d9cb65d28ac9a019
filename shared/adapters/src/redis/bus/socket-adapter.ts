import { createAdapter } from '@socket.io/redis-adapter'
import type { Adapter } from 'socket.io-adapter'
import { LATER_EVENT, parseBroadcast } from '../../common/live-events.ts'
import type { RedisContext } from '../client/context.ts'
import type { Payload, Republisher } from './republisher.ts'
import { SealedEvents } from './sealed-events.ts'
import { Subscriptions } from './subscriptions.ts'

/** The argument of Socket.IO's `io.adapter()`. */
export type SocketAdapter = (namespace: ConstructorParameters<typeof Adapter>[0]) => Adapter

export const MAX_PUBLISHING = 10_000
const REQUEST_TIMEOUT_MS = 2000

/**
 * Opens Socket.IO's classic Redis adapter. The adapter ignores the promises of its Redis clients,
 * so a lost publication would end the process. Both of its clients are therefore wrappers that
 * catch and count errors and limit the wait. Local delivery continues without Redis. Log entries
 * are published again when it is back, and clients fetch the rest by `seq`. Anybody could write to
 * Redis. A broadcast is therefore sealed, and parsed before a socket gets it. Requests are not answered,
 * because our gateways send none and a request could ask for the handshakes and their tokens.
 * `onGap` is called when broadcasts of other gateways may have been lost.
 */
export function openSocketAdapter(
  redis: RedisContext,
  republisher: Republisher,
  onGap: () => void,
): { create: SocketAdapter; close(): Promise<void> } {
  const subscriptions = new Subscriptions(redis.open('subscriptions'), onGap)
  const publications = new Publications(redis, republisher)
  const create = createAdapter(publications.client, toSubscriber(subscriptions), {
    key: redis.keys.socketChannels,
    requestsTimeout: REQUEST_TIMEOUT_MS,
    publishOnSpecificResponseChannel: true,
    parser: publications.parser,
  })
  // Pass `create` unchanged: Socket.IO calls it with `new`, which fails on an arrow function.
  return { create, close: () => subscriptions.close() }
}

/** The adapter drops this broadcast, because none of our namespaces has this name. */
const NOTHING = ['', { nsp: '' }, {}] as const

type Listener = (...values: unknown[]) => void

/** What the adapter encodes: the packet's data begins with the event. */
type Encoded = readonly [publisher: string, packet: { data: readonly unknown[] }, options: unknown]

/** Seals and publishes what the adapter broadcasts, and opens what it receives. */
class Publications {
  readonly #redis: RedisContext
  readonly #republisher: Republisher
  readonly #sealed: SealedEvents
  /** The name of this gateway at the start of its own broadcasts. */
  #opening: Buffer | undefined
  /** The event that was encoded last. The adapter publishes it before it encodes another. */
  #event = ''
  #publishing = 0

  constructor(redis: RedisContext, republisher: Republisher) {
    this.#redis = redis
    this.#republisher = republisher
    this.#sealed = new SealedEvents(redis.cipher)
  }

  /** The adapter's parser. It decodes after it has found the room. */
  get parser(): { encode: (broadcast: Encoded) => Buffer; decode: (bytes: Buffer) => unknown } {
    return {
      encode: (broadcast) => this.#encode(broadcast),
      decode: (bytes) => this.#decode(bytes),
    }
  }

  /** The part of an ioredis client that the adapter uses to publish. */
  get client(): object {
    const { commands } = this.#redis
    return {
      publish: (channel: string, payload: Payload) => this.#publish(channel, payload),
      isCluster: true,
      // Asks each node how many gateways listen. A single server counts as a cluster of one.
      nodes: () =>
        ('nodes' in commands ? commands.nodes('master') : [commands]).map((node) => ({
          send_command: (command: string, words: string[]) => node.call(command, ...words),
        })),
      on: (event: string, listener: Listener) => commands.on(event, listener),
      off: (event: string, listener: Listener) => commands.off(event, listener),
    }
  }

  #encode(broadcast: Encoded): Buffer {
    const [publisher, { data }] = broadcast
    this.#opening ??= Buffer.from(`${publisher} `)
    this.#event = String(data[0])
    return this.#sealed.sealBroadcast(this.#opening, JSON.stringify(broadcast))
  }

  /** Does not open what comes back to this gateway of its own. */
  #decode(bytes: Buffer): unknown {
    if (this.#opening && startsWith(bytes, this.#opening)) return NOTHING
    const broadcast = this.#open(bytes)
    if (!broadcast) this.#redis.hooks.onPayloadRefused('broadcast', {})
    return broadcast === undefined || broadcast === LATER_EVENT ? NOTHING : broadcast
  }

  #open(bytes: Buffer): ReturnType<typeof parseBroadcast> {
    const opened = this.#sealed.openBroadcast(bytes)
    const broadcast = opened && parseBroadcast(opened.json)
    if (!broadcast || broadcast === LATER_EVENT) return broadcast
    // The name in the clear decides whether a gateway reads a broadcast at all.
    return broadcast[0] === opened.publisher ? broadcast : undefined
  }

  async #publish(channel: string, payload: Payload): Promise<void> {
    const event = this.#event
    if (this.#publishing >= MAX_PUBLISHING) {
      this.#onFailed(event, channel, payload)
      return
    }
    this.#publishing++
    try {
      await this.#redis.commands.publish(channel, payload)
    } catch {
      this.#onFailed(event, channel, payload)
    } finally {
      this.#publishing--
    }
  }

  #onFailed(event: string, channel: string, payload: Payload): void {
    this.#redis.hooks.onPublishFailed()
    this.#republisher.add(event, channel, payload)
  }
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  const { length } = start
  return bytes.length >= length && bytes.compare(start, 0, length, 0, length) === 0
}

/**
 * The part that the adapter uses to subscribe. Its channels are subscribed again after each outage.
 */
function toSubscriber(subscriptions: Subscriptions): object {
  const { client } = subscriptions
  return {
    psubscribe: (pattern: string) => subscriptions.add(pattern, 'pattern'),
    subscribe: (channels: string[]) =>
      Promise.all(channels.map((channel) => subscriptions.add(channel))),
    punsubscribe: (pattern: string) => subscriptions.remove(pattern),
    unsubscribe: (channels: string[]) =>
      Promise.all(channels.map((channel) => subscriptions.remove(channel))),
    // Requests and their responses arrive as this event.
    on: (event: string, listener: Listener) =>
      event === 'messageBuffer' ? client : client.on(event, listener),
    off: (event: string, listener: Listener) => client.off(event, listener),
  }
}
