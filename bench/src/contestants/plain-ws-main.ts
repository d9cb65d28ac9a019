// The least that does the work: `ws`, a map of rooms, one Redis channel per room, no guarantees.
import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { WebSocketServer, type WebSocket } from 'ws'
import { readAddress, serve } from './serve.ts'

interface Payload {
  sessionId: string
  seq?: number
}

const server = createServer()
const publisher = new Redis(readAddress('REDIS_URL'))
const subscriber = publisher.duplicate()
const rooms = new Map<string, Set<WebSocket>>()
const sender = `${process.pid}:`

subscriber.on('message', (channel: string, text: string) => {
  if (!text.startsWith(sender)) tell(channel, text.slice(text.indexOf(':') + 1))
})

function tell(sessionId: string, packet: string, except?: WebSocket): void {
  for (const socket of rooms.get(sessionId) ?? []) if (socket !== except) socket.send(packet)
}

async function join(sessionId: string, socket: WebSocket): Promise<void> {
  const members = rooms.get(sessionId) ?? new Set()
  rooms.set(sessionId, members.add(socket))
  if (members.size === 1) await subscriber.subscribe(sessionId)
  socket.once('close', () => {
    members.delete(socket)
    if (members.size > 0) return
    rooms.delete(sessionId)
    void subscriber.unsubscribe(sessionId)
  })
}

async function onPacket(socket: WebSocket, packet: string): Promise<void> {
  const start = packet.indexOf('[')
  const [event, { sessionId, seq }] = JSON.parse(packet.slice(start)) as [string, Payload]
  if (event === 'session:open') {
    await join(sessionId, socket)
    socket.send(`${packet.slice(0, start)}[{"ok":true,"data":{}}]`)
    return
  }
  const reader = { type: 'user', id: 'bench-00' }
  const forwarded = JSON.stringify(['message:receipt', { sessionId, reader, seq }])
  tell(sessionId, forwarded, socket)
  await publisher.publish(sessionId, sender + forwarded)
}

new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
  socket.on('message', (data: Buffer) => void onPacket(socket, data.toString()))
})
await serve(server)
