import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { WebSocketServer, type WebSocket } from 'ws'
import { listen, type Listening } from './servers/ports.ts'
import { WireClient, type WireOptions } from './wire-client.ts'

const HELLO = '0{"pingInterval":25000,"pingTimeout":20000}'
/** What a server says to each frame, written down as the specifications have it. */
const ANSWERS: Record<string, string[]> = {
  '40{"token":"good"}': ['40{"sid":"s"}', '42["ready",{"user":1}]'],
  '40{"token":"bad"}': ['44{"message":"no","data":{"code":"UNAUTHORIZED"}}'],
  '421["open",{}]': ['431[{"ok":true,"data":7}]'],
  '422["open",{}]': ['432[{"ok":false,"error":{"code":"UNAVAILABLE","retryable":true}}]'],
}

let listening: Listening
let peer: WebSocket
const heard: string[] = []

beforeEach(async () => {
  heard.length = 0
  const server = createServer()
  new WebSocketServer({ server }).on('connection', (socket) => {
    peer = socket
    socket.send(HELLO)
    socket.on('message', (data: Buffer) => {
      heard.push(data.toString())
      for (const frame of ANSWERS[data.toString()] ?? []) socket.send(frame)
    })
  })
  listening = await listen(server)
})
afterEach(() => listening.close())

const connect = (options: WireOptions = {}) =>
  WireClient.connect(`ws://127.0.0.1:${listening.port}`, options)

describe('the raw wire client', () => {
  it('is let in, hears events, and has its requests answered or refused', async () => {
    const events: string[] = []
    const client = await connect({ onEvent: (event, text) => void events.push(event, text) })
    await client.login('good')
    expect(client.handshake.pingInterval).toBe(25_000)
    expect(await client.request('open', {})).toBe(7)
    expect(events).toEqual(['ready', '{"user":1}'])
    const refused = { code: 'UNAVAILABLE', retryable: true, retryAfterMs: 0 }
    await expect(client.request('open', {})).rejects.toMatchObject(refused)
    const said = [HELLO, ...Object.values(ANSWERS).flat()].filter(
      (frame) => !frame.startsWith('44'),
    )
    expect(client.sent).toEqual({ frames: heard.length, bytes: heard.join('').length })
    expect(client.received).toEqual({ frames: said.length, bytes: said.join('').length })
  })

  it('is told why it is not let in', async () => {
    const client = await connect()
    await expect(client.login('bad')).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })

  it('answers a ping, and says of what is left without an answer why', async () => {
    const closed = Promise.withResolvers<number>()
    const client = await connect({ answerTimeoutMs: 20, onClose: closed.resolve })
    peer.send('2')
    await expect(client.request('silence', {})).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(heard.toSorted()).toEqual(['3', '421["silence",{}]'])
    const asked = client.request('silence', {})
    peer.close(4001)
    await expect(asked).rejects.toMatchObject({ code: 'OFFLINE' })
    expect(await closed.promise).toBe(4001)
    await expect(client.request('silence', {})).rejects.toMatchObject({ code: 'OFFLINE' })
  })
})
