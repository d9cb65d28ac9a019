// The usual way to stream a reply without a worker: the web server asks the model itself and writes
// each token to the browser as a server-sent event. If the connection is lost, so is the reply.
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { readAddress, serve } from './serve.ts'

const model = `${readAddress('MODEL_URL')}/chat/completions`

interface Chunk {
  choices: { delta: { content?: string } }[]
}

const server = createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  response.socket?.setNoDelay(true)
  const body = JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'Count.' }] })
  const headers = { 'content-type': 'application/json' }
  ask(model, { method: 'POST', headers }, (reply) => forward(reply, response)).end(body)
})

function forward(reply: IncomingMessage, response: ServerResponse): void {
  let rest = ''
  reply.setEncoding('utf8')
  reply.on('data', (text: string) => {
    const events = (rest + text).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) writeToken(event.slice('data: '.length), response)
  })
  reply.on('end', () => response.end())
}

function writeToken(data: string, response: ServerResponse): void {
  if (data === '[DONE]') {
    response.write('event: done\ndata: {}\n\n')
    return
  }
  const { choices } = JSON.parse(data) as Chunk
  const text = choices[0]?.delta.content
  if (text) response.write(`data: ${JSON.stringify({ text })}\n\n`)
}

await serve(server)
