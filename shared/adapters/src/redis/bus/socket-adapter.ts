import { createAdapter } from '@socket.io/redis-adapter'
import type { Adapter } from 'socket.io-adapter'
import { LATER_EVENT, parseBroadcast } from '../../common/live-events.ts'
import type { RedisContext } from '../client/context.ts'
import type { Republisher } from './republisher.ts'
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
  const sealed = new SealedEvents(redis.cipher)
  const onFailed = (channel: string, text: string): void => {
    redis.hooks.onPublishFailed()
    const broadcast = readBroadcast(sealed, text)
    if (broadcast && broadcast !== LATER_EVENT) {
      republisher.add(broadcast[1].data[0], channel, text)
    }
  }
  const create = createAdapter(toPublisher(redis, onFailed), toSubscriber(subscriptions), {
    key: redis.keys.socketChannels,
    requestsTimeout: REQUEST_TIMEOUT_MS,
    publishOnSpecificResponseChannel: true,
    parser: createParser(sealed, redis.hooks),
  })
  // Pass `create` unchanged: Socket.IO calls it with `new`, which fails on an arrow function.
  return { create, close: () => subscriptions.close() }
}

/** The adapter drops this broadcast, because none of our namespaces has this name. */
const NOTHING = ['', { nsp: '' }, {}] as const

/**
 * Seals JSON. The adapter decodes after it has found the room. It drops this gateway's own
 * broadcasts, which are known by the name at the start, so these are not opened.
 */
function createParser(
  sealed: SealedEvents,
  hooks: RedisContext['hooks'],
): {
  encode: (broadcast: readonly [publisher: string, ...rest: unknown[]]) => string
  decode: (message: Buffer) => unknown
} {
  let ownOpening: Buffer | undefined
  return {
    encode(broadcast) {
      ownOpening ??= Buffer.from(`${broadcast[0]} `)
      return sealed.sealBroadcast(broadcast[0], JSON.stringify(broadcast))
    },
    decode(message) {
      if (ownOpening?.equals(message.subarray(0, ownOpening.length))) return NOTHING
      const broadcast = readBroadcast(sealed, message.toString())
      if (!broadcast) hooks.onPayloadRefused('broadcast', {})
      return broadcast === undefined || broadcast === LATER_EVENT ? NOTHING : broadcast
    },
  }
}

function readBroadcast(sealed: SealedEvents, text: string): ReturnType<typeof parseBroadcast> {
  const json = sealed.openBroadcast(text)
  return json === undefined ? undefined : parseBroadcast(json)
}

type Listener = (...values: unknown[]) => void

/** The part of an ioredis client that the adapter uses to publish. */
function toPublisher(
  { commands }: RedisContext,
  onFailed: (channel: string, text: string) => void,
): object {
  let publishing = 0

  return {
    async publish(channel: string, text: string) {
      if (publishing >= MAX_PUBLISHING) {
        onFailed(channel, text)
        return
      }
      publishing++
      try {
        await commands.publish(channel, text)
      } catch {
        onFailed(channel, text)
      } finally {
        publishing--
      }
    },
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
