import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface StampedModel {
  url: string
  stop(): Promise<void>
}

/** As a hosted model takes: the reply is known to have started before its first byte. */
const FIRST_TOKEN_MS = 200
const TOKEN_INTERVAL_MS = 20
const TOKENS = 50

/** Reads the time that the first token of a reply carries; undefined for another text. */
export function readStamp(text: string): bigint | undefined {
  const [, stamp] = /^sent@(\d+)/.exec(text) ?? []
  return stamp === undefined ? undefined : BigInt(stamp)
}

/**
 * A model server of the OpenAI form whose first token is the monotonic time at which it was
 * written. The clock is one for all processes of a machine, so a client can tell its age.
 */
export async function startStampedModel(): Promise<StampedModel> {
  const server = createServer((request, response) => {
    request.resume()
    request.once('end', () => void streamReply(response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function streamReply(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  await sleep(FIRST_TOKEN_MS)
  send(response, `sent@${process.hrtime.bigint()} `)
  for (let token = 1; token < TOKENS && !response.destroyed; token += 1) {
    await sleep(TOKEN_INTERVAL_MS)
    send(response, `word${token} `)
  }
  response.write(toEvent({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }))
  response.end('data: [DONE]\n\n')
}

function send(response: ServerResponse, content: string): void {
  response.write(toEvent({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }))
}

function toEvent(part: object): string {
  const event = {
    id: 'reply',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'stamped',
    ...part,
  }
  return `data: ${JSON.stringify(event)}\n\n`
}
