import { createAdapter } from '@socket.io/redis-adapter'
import type { Adapter } from 'socket.io-adapter'
import { LATER_EVENT, parseBroadcast } from '../../common/live-events.ts'
import type { RedisContext } from '../client/context.ts'
import { OwnChannels } from './own-channels.ts'
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
  const channels = new OwnChannels(`${redis.keys.socketChannels}#/#`)
  const publications = new Publications({ redis, republisher, channels })
  const create = createAdapter(publications.client, toSubscriber(subscriptions, channels), {
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

interface PublicationsDeps {
  redis: RedisContext
  republisher: Republisher
  channels: OwnChannels
}

/** Seals and publishes what the adapter broadcasts, and opens what it receives. */
class Publications {
  readonly #redis: RedisContext
  readonly #republisher: Republisher
  readonly #channels: OwnChannels
  readonly #sealed: SealedEvents
  /** The event that was encoded last. The adapter publishes it before it encodes another. */
  #event = ''
  #publishing = 0

  constructor({ redis, republisher, channels }: PublicationsDeps) {
    this.#redis = redis
    this.#republisher = republisher
    this.#channels = channels
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
    this.#event = String(broadcast[1].data[0])
    return this.#sealed.sealBroadcast(JSON.stringify(broadcast))
  }

  #decode(bytes: Buffer): unknown {
    const json = this.#sealed.openBroadcast(bytes)
    const broadcast = json === undefined ? undefined : parseBroadcast(json)
    if (!broadcast) this.#redis.hooks.onPayloadRefused('broadcast', {})
    return broadcast === undefined || broadcast === LATER_EVENT ? NOTHING : broadcast
  }

  async #publish(adapterChannel: string, payload: Payload): Promise<void> {
    const event = this.#event
    const channel = this.#channels.toPublished(adapterChannel)
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

/**
 * The part that the adapter uses to subscribe. Its channels are subscribed again after each outage.
 */
function toSubscriber(subscriptions: Subscriptions, channels: OwnChannels): object {
  const { client } = subscriptions
  const patterns = channels.othersPatterns
  const heard = new Map<Listener, Listener>()
  const toHeard = (listener: Listener): Listener => {
    const onHeard: Listener = (pattern, channel, bytes) =>
      listener(pattern, channels.toHeard(String(channel)), bytes)
    heard.set(listener, onHeard)
    return onHeard
  }
  return {
    // The adapter has one pattern, for its own broadcasts too.
    psubscribe: () => Promise.all(patterns.map((one) => subscriptions.add(one, 'pattern'))),
    subscribe: (names: string[]) => Promise.all(names.map((name) => subscriptions.add(name))),
    punsubscribe: () => Promise.all(patterns.map((one) => subscriptions.remove(one))),
    unsubscribe: (names: string[]) => Promise.all(names.map((name) => subscriptions.remove(name))),
    on(event: string, listener: Listener) {
      // Requests and their responses arrive as this event.
      if (event === 'messageBuffer') return client
      return client.on(event, event === 'pmessageBuffer' ? toHeard(listener) : listener)
    },
    off: (event: string, listener: Listener) => client.off(event, heard.get(listener) ?? listener),
  }
}
