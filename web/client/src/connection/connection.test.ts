import { createServer, type Server as HttpServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Server, type Socket } from 'socket.io'
import { Connection, type ConnectionStatus } from './connection.ts'

import { RequestError } from './request.ts'

describe('connection', () => {
  let http: HttpServer
  let io: Server
  let url: string
  let connection: Connection
  let sockets: Socket[]
  let tokens: { renew: boolean }[]

  function create(getToken = async (): Promise<string> => 'good'): Connection {
    return new Connection({
      baseUrl: `${url}/chatbox`,
      random: () => 0.999,
      getToken: async (wish) => {
        tokens.push(wish)
        return getToken()
      },
    })
  }

  async function until(status: ConnectionStatus): Promise<void> {
    if (connection.state.status === status) return
    await new Promise<void>((resolve) => {
      const stop = connection.subscribe(() => {
        if (connection.state.status !== status) return
        stop()
        resolve()
      })
    })
  }

  beforeEach(async () => {
    sockets = []
    tokens = []
    http = createServer()
    io = new Server(http, { path: '/chatbox/socket.io', transports: ['websocket'] })
    io.on('connection', (socket) => void sockets.push(socket))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  })

  afterEach(async () => {
    connection.close()
    await io.close()
  })

  it('hands the token over in the handshake and answers requests', async () => {
    io.on('connection', (socket) => {
      socket.on('session:end', (payload: unknown, ack: (answer: unknown) => void) =>
        ack({ ok: true, data: { payload, auth: socket.handshake.auth } }),
      )
    })
    connection = create()
    connection.connect()
    await until('online')
    expect(await connection.request('session:end', { sessionId: 's' })).toEqual({
      payload: { sessionId: 's' },
      auth: { token: 'good' },
    })
  })

  it('rejects with what the server says', async () => {
    io.on('connection', (socket) => {
      socket.on('session:end', (_payload: unknown, ack: (answer: unknown) => void) =>
        ack({
          ok: false,
          error: { code: 'NOT_FOUND', message: 'No such session.', retryable: false },
        }),
      )
    })
    connection = create()
    connection.connect()
    await until('online')
    await expect(connection.request('session:end', { sessionId: 's' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      retryable: false,
    })
  })

  it('rejects at once without a connection, and when it breaks before the answer', async () => {
    connection = create()
    await expect(connection.request('session:end', { sessionId: 's' })).rejects.toMatchObject({
      code: 'OFFLINE',
    })
    connection.connect()
    await until('online')
    const answer = connection.request('session:end', { sessionId: 's' })
    sockets[0]?.disconnect(true)
    await expect(answer).rejects.toMatchObject({ code: 'OFFLINE', retryable: true })
  })

  it('comes back after the server has dropped it, with a fresh token', async () => {
    connection = create()
    connection.connect()
    await until('online')
    sockets[0]?.disconnect()
    await until('offline')
    expect(connection.state.retryInMs).toBeGreaterThanOrEqual(250)
    await until('online')
    expect(sockets).toHaveLength(2)
    expect(tokens).toEqual([{ renew: false }, { renew: false }])
  })

  it('asks for a new token when the old one is refused, and gives up after three', async () => {
    let handshakes = 0
    io.use((_socket, next) => {
      handshakes += 1
      next(Object.assign(new Error('no'), { data: { code: 'TOKEN_EXPIRED' } }))
    })
    connection = create()
    connection.connect()
    await until('refused')
    expect(handshakes).toBe(3)
    expect(tokens).toEqual([{ renew: false }, { renew: true }, { renew: true }])
    expect(connection.state.code).toBe('TOKEN_EXPIRED')
  })

  it('is refused where visitors are, and tries again when asked', async () => {
    let allowed = false
    connection = create(async () => {
      if (allowed) return 'good'
      throw new RequestError({ code: 'FORBIDDEN', message: 'No visitors.', retryable: false })
    })
    connection.connect()
    await until('refused')
    allowed = true
    connection.connect()
    await until('online')
  })

  it('waits as long as the server says that ends a connection, and knows why', async () => {
    connection = create()
    connection.connect()
    await until('online')
    const message = 'Too many requests.'
    const busy = { code: 'TOO_MANY_REQUESTS', message, retryable: true, retryAfterMs: 30_000 }
    sockets[0]?.emit('error', busy)
    sockets[0]?.disconnect(true)
    await until('offline')
    expect(connection.state.code).toBe('TOO_MANY_REQUESTS')
    expect(connection.state.retryInMs).toBeGreaterThanOrEqual(30_000)
    connection.connect()
    await until('online')
    expect(connection.state.code).toBeUndefined()
  })

  it.each([
    ['is followed by something else', (socket: Socket) => socket.emit('session:head', {})],
    ['ends nothing, and the network does', (socket: Socket) => socket.conn.close()],
  ])('does not wait for an error that %s', async (_what, goOn) => {
    connection = create()
    connection.connect()
    await until('online')
    const [socket] = sockets
    socket?.emit('error', { code: 'TOO_MANY_REQUESTS', retryable: true, retryAfterMs: 30_000 })
    if (socket) goOn(socket)
    socket?.disconnect(true)
    await until('offline')
    expect(connection.state.retryInMs).toBeLessThan(1000)
    expect(connection.state.code).toBeUndefined()
  })

  it('moves when the server drains: not at once, and not twice', async () => {
    connection = create()
    connection.connect()
    await until('online')
    const drainedAt = performance.now()
    sockets[0]?.emit('server:draining', { reconnectAfterMs: 100 })
    await until('draining')
    await until('offline')
    expect(performance.now() - drainedAt).toBeGreaterThan(1000)
    await until('online')
    expect(sockets).toHaveLength(2)
  })

  it('keeps its wait when a draining server closes the connection first', async () => {
    connection = create()
    connection.connect()
    await until('online')
    sockets[0]?.emit('server:draining', { reconnectAfterMs: 400 })
    await until('draining')
    sockets[0]?.disconnect(true)
    await until('offline')
    expect(connection.state.retryInMs).toBeGreaterThan(1000)
  })

  it('renews the token of an open connection', async () => {
    const refreshed = new Promise((resolve) => {
      io.on('connection', (socket) => {
        socket.on('token:refresh', (payload: unknown, ack: (answer: unknown) => void) => {
          ack({ ok: true, data: { expiresAt: '2030-01-01T00:00:00.000Z' } })
          resolve(payload)
        })
      })
    })
    connection = create()
    connection.connect()
    await until('online')
    sockets[0]?.emit('token:expiring', { expiresAt: '2030-01-01T00:00:00.000Z' })
    expect(await refreshed).toEqual({ token: 'good' })
    expect(tokens).toEqual([{ renew: false }, { renew: true }])
  })

  it('passes events on until the listener is taken back', async () => {
    connection = create()
    const heads: unknown[] = []
    const stop = connection.on('session:head', (head) => heads.push(head))
    const typed = new Promise((resolve) => {
      io.on('connection', (socket) => void socket.on('typing', resolve))
    })
    connection.connect()
    await until('online')
    sockets[0]?.emit('session:head', { sessionId: 's', lastSeq: 1 })
    connection.sendTyping({ sessionId: 's', typing: true })
    expect(await typed).toEqual({ sessionId: 's', typing: true })
    stop()
    expect(heads).toEqual([{ sessionId: 's', lastSeq: 1 }])
  })

  it('stays closed', async () => {
    connection = create()
    connection.connect()
    await until('online')
    connection.close()
    connection.close()
    connection.connect()
    expect(connection.state.status).toBe('closed')
  })
})
