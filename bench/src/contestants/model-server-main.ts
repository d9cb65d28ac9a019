// A model server of the OpenAI form in a process of its own: numbered tokens at a steady rate, the
// first of each reply carrying the monotonic time at which it was written.
import { createServer, type ServerResponse } from 'node:http'
import { serve } from './serve.ts'

const TOKENS = Number(process.env.TOKENS)
const INTERVAL_MS = 1000 / Number(process.env.TOKENS_PER_SECOND)
const TICK_MS = 4

interface Reply {
  response: ServerResponse
  dueAt: number
  sent: number
}

const replies = new Set<Reply>()

const server = createServer((request, response) => {
  request.resume()
  request.once('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    response.socket?.setNoDelay(true)
    const reply = { response, dueAt: performance.now() + INTERVAL_MS, sent: 0 }
    replies.add(reply)
    response.once('close', () => replies.delete(reply))
  })
})

/** Each token is a write of its own, as a model makes them. */
function tick(): void {
  const now = performance.now()
  for (const reply of replies) {
    while (reply.dueAt <= now && reply.sent < TOKENS) {
      const stamp = reply.sent === 0 ? `sent@${process.hrtime.bigint()}` : String(reply.sent)
      reply.response.write(toEvent(`${stamp} `))
      reply.sent += 1
      reply.dueAt += INTERVAL_MS
    }
    if (reply.sent < TOKENS) continue
    replies.delete(reply)
    reply.response.write(toEvent(undefined))
    reply.response.end('data: [DONE]\n\n')
  }
}

function toEvent(content: string | undefined): string {
  const choice =
    content === undefined
      ? { index: 0, delta: {}, finish_reason: 'stop' }
      : { index: 0, delta: { content }, finish_reason: null }
  const head = { id: 'reply', object: 'chat.completion.chunk', created: 0, model: 'numbered' }
  return `data: ${JSON.stringify({ ...head, choices: [choice] })}\n\n`
}

setInterval(tick, TICK_MS)
await serve(server)
