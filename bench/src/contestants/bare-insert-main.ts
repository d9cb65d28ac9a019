// Socket.IO with a handler that inserts a message as one document and answers. This is the least
// that makes a message durable: no order, idempotence, encryption or replies.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { MongoClient } from 'mongodb'
import { Server } from 'socket.io'
import { readAddress, serve } from './serve.ts'

interface Sent {
  sessionId: string
  clientMessageId: string
  content: string
}
type Answer = (answer: object) => void

const server = createServer()
const client = await MongoClient.connect(readAddress('MONGO_URI'))
const messages = client.db('bench_bare').collection('messages')
await messages.createIndex({ sessionId: 1, seq: 1 }, { unique: true }, {})
const io = new Server(server, {
  path: '/chatbox/socket.io',
  transports: ['websocket'],
  serveClient: false,
})

io.on('connection', (socket) => {
  const id = randomUUID()
  let seq = 0
  socket.on('session:open', (_: object, answer: Answer) => {
    answer({ ok: true, data: { session: { id } } })
  })
  socket.on('message:send', async (sent: Sent, answer: Answer) => {
    seq += 1
    const message = { ...sent, seq, createdAt: new Date() }
    await messages.insertOne({ ...message }, { writeConcern: { w: 'majority' } })
    answer({ ok: true, data: { message } })
  })
})
await serve(server)
