import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll } from '@jest/globals'
import { sessionRoom, type ServerPayload } from '@chatbox/contract'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { io, type Socket } from 'socket.io-client'
import {
  eventually,
  newId,
  openRedisLab,
  type OpenedRedis,
  type RedisLab,
} from './redis.support.ts'

export type Typing = ServerPayload<'typing'>

/** The room of every socket. */
export const ROOM = sessionRoom('one')

export function toTyping(name: string): Typing {
  return { sessionId: 'one', from: { type: 'user', id: 'user', name }, typing: true }
}

interface Gateway {
  server: Server
  redis: OpenedRedis
  prefix: string
  connect(): Promise<Socket>
}

/** Bare Socket.IO servers on the adapter, over one Redis for all tests of a file. */
export interface GatewayLab {
  readonly lab: RedisLab
  /** Ends what a test has opened, last first. */
  readonly ends: (() => Promise<unknown>)[]
  /** Any other program that reaches Redis. */
  readonly stranger: Redis
  start(redis: OpenedRedis, prefix?: string): Promise<Gateway>
  /** Starts two that hear each other. */
  startTwo(): Promise<[Gateway, Gateway]>
}

export function useGateways(): GatewayLab {
  let lab: RedisLab
  let stranger: Redis
  const ends: GatewayLab['ends'] = []
  beforeAll(async () => {
    lab = await openRedisLab()
    stranger = new Redis(lab.server.url)
    stranger.on('error', () => undefined)
  })
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  afterAll(async () => {
    stranger.disconnect()
    await lab.close()
  })

  async function start(redis: OpenedRedis, prefix = 'test'): Promise<Gateway> {
    const http = createServer()
    const server = new Server(http, { transports: ['websocket'], adapter: redis.socketAdapter })
    server.on('connection', (socket) => void socket.join(ROOM))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    ends.push(() => server.close())
    const address = http.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return {
      server,
      redis,
      prefix,
      async connect() {
        const socket = io(`http://127.0.0.1:${address.port}`, { transports: ['websocket'] })
        ends.push(async () => socket.disconnect())
        await new Promise<void>((resolve) => socket.once('connect', resolve))
        return socket
      },
    }
  }

  async function startTwo(): Promise<[Gateway, Gateway]> {
    const prefix = newId()
    const [one, two] = [
      await start(await lab.open(prefix), prefix),
      await start(await lab.open(prefix), prefix),
    ]
    // The adapter subscribes without waiting; from here on both hear each other.
    await eventually(
      () => one.server.of('/').adapter.serverCount(),
      (count) => count === 2,
    )
    return [one, two]
  }

  return {
    get lab() {
      return lab
    },
    get stranger() {
      return stranger
    },
    ...{ ends, start, startTwo },
  }
}
