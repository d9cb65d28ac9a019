import { createAdapter } from '@socket.io/redis-adapter'
import type { Adapter } from 'socket.io-adapter'
import { LATER_EVENT, parseBroadcast } from '../../common/live-events.ts'
import type { RedisContext } from '../client/context.ts'
import type { Republisher } from './republisher.ts'
import { Subscriptions } from './subscriptions.ts'

/** What Socket.IO's `io.adapter()` takes. */
export type SocketAdapter = (namespace: ConstructorParameters<typeof Adapter>[0]) => Adapter

const MAX_PUBLISHING = 10_000
const REQUEST_TIMEOUT_MS = 2000

/**
 * Socket.IO's classic Redis adapter. It calls Redis without looking after the promises: a lost
 * publish would end the process, so both of its clients are stand-ins that catch, count and bound.
 * Local delivery goes on without Redis; log entries are published again once it is back, and what
 * other gateways missed nevertheless their clients fetch by `seq`.
 * What comes from Redis is anybody's: a broadcast is parsed before a socket gets it, and requests, of
 * which ours make none, are not answered: one could ask for the handshakes and their tokens.
 * `onGap` is told when broadcasts of other gateways may have been lost.
 */
export function openSocketAdapter(
  redis: RedisContext,
  republisher: Republisher,
  onGap: () => void,
): { create: SocketAdapter; close(): Promise<void> } {
  const subscriptions = new Subscriptions(redis.open('subscriptions'), onGap)
  const create = createAdapter(toPublisher(redis, republisher), toSubscriber(subscriptions), {
    key: redis.keys.socketChannels,
    requestsTimeout: REQUEST_TIMEOUT_MS,
    publishOnSpecificResponseChannel: true,
    parser: createParser(redis.hooks),
  })
  // `create` as it is: Socket.IO calls it with `new`, which an arrow function does not bear.
  return { create, close: () => subscriptions.close() }
}

/** A broadcast that the adapter drops, because it is for no namespace of ours. */
const NOTHING = ['', { nsp: '' }, {}] as const

/**
 * JSON, which the packet becomes for the sockets too. The adapter asks after it has found the room.
 * What this gateway published comes back to it, and the adapter drops it by the name that it begins
 * with: it is not parsed for that.
 */
function createParser(hooks: RedisContext['hooks']): {
  encode: (broadcast: readonly [publisher: string, ...rest: unknown[]]) => string
  decode: (message: Buffer) => unknown
} {
  let ownOpening: Buffer | undefined
  return {
    encode(broadcast) {
      ownOpening ??= Buffer.from(`[${JSON.stringify(broadcast[0])},`)
      return JSON.stringify(broadcast)
    },
    decode(message) {
      if (ownOpening?.equals(message.subarray(0, ownOpening.length))) return NOTHING
      const broadcast = parseBroadcast(message.toString())
      if (!broadcast) hooks.onPayloadRefused('broadcast', {})
      return broadcast === undefined || broadcast === LATER_EVENT ? NOTHING : broadcast
    },
  }
}

type Listener = (...values: unknown[]) => void

/** The part of an ioredis client that the adapter uses to publish. */
function toPublisher({ commands, hooks }: RedisContext, republisher: Republisher): object {
  let publishing = 0

  function onFailed(channel: string, text: string): number {
    hooks.onPublishFailed()
    const broadcast = parseBroadcast(text)
    if (broadcast && broadcast !== LATER_EVENT) {
      republisher.add(broadcast[1].data[0], channel, text)
    }
    return 0
  }

  return {
    async publish(channel: string, text: string) {
      if (publishing >= MAX_PUBLISHING) return onFailed(channel, text)
      publishing++
      try {
        return await commands.publish(channel, text)
      } catch {
        return onFailed(channel, text)
      } finally {
        publishing--
      }
    },
    isCluster: true,
    // Asks each node how many gateways listen; a single server is a cluster of one.
    nodes: () =>
      ('nodes' in commands ? commands.nodes('master') : [commands]).map((node) => ({
        send_command: (command: string, words: string[]) => node.call(command, ...words),
      })),
    on: (event: string, listener: Listener) => commands.on(event, listener),
    off: (event: string, listener: Listener) => commands.off(event, listener),
  }
}

/** The part that it uses to subscribe; what it asks for is subscribed again after each outage. */
function toSubscriber(subscriptions: Subscriptions): object {
  const { client } = subscriptions
  return {
    psubscribe: (pattern: string) => subscriptions.add(pattern, 'pattern'),
    subscribe: (channels: string[]) =>
      Promise.all(channels.map((channel) => subscriptions.add(channel))),
    punsubscribe: (pattern: string) => subscriptions.remove(pattern),
    unsubscribe: (channels: string[]) =>
      Promise.all(channels.map((channel) => subscriptions.remove(channel))),
    // Requests and their responses come as this event.
    on: (event: string, listener: Listener) =>
      event === 'messageBuffer' ? client : client.on(event, listener),
    off: (event: string, listener: Listener) => client.off(event, listener),
  }
}
