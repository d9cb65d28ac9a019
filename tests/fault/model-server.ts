import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeEvents, WIRES } from '../support/model-wire.ts'
import { modelToken, type Recorder } from './history.ts'

export interface ModelServer {
  /** One for each worker, so that it is known whose replies are whose. */
  readonly ports: readonly number[]
  /** Replies that are being streamed now, in all or over one port. */
  streaming(port?: number): number
  stop(): Promise<void>
}

export interface ModelServerOptions {
  recorder: Recorder
  /** From one token to the next. */
  intervalMs: number
  /** How many ports it listens on. */
  doors: number
}

/** A question's whole content; what stands around it in a prompt is not of it. */
const QUESTION = /#[\w.-]+ tokens=\d+/gu
const TOKENS = /tokens=(\d+)/u
/** For what is no question of ours, such as a message of a session that a person has left. */
const DEFAULT_TOKENS = 3

/**
 * A model server that streams as many tokens as the question asks for, each of which names the
 * request and its place, and records every request.
 */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const doors = await Promise.all(
    Array.from({ length: options.doors }, (_, index) => openDoor(options, index + 1)),
  )
  return {
    ports: doors.map(({ port }) => port),
    streaming: (port) =>
      doors
        .filter((door) => port === undefined || door.port === port)
        .reduce((sum, door) => sum + door.streaming(), 0),
    async stop() {
      await Promise.all(doors.map((door) => door.close()))
    },
  }
}

interface Door {
  port: number
  streaming(): number
  close(): Promise<void>
}

async function openDoor(
  { recorder, intervalMs }: ModelServerOptions,
  number: number,
): Promise<Door> {
  const process = `model-${number}`
  let streaming = 0
  const server = createServer((incoming, response) => {
    response.on('error', () => undefined)
    streaming += 1
    answer({ incoming, response, recorder, intervalMs, process })
      // A client that goes away while it sends its question.
      .catch(() => response.destroy())
      .finally(() => (streaming -= 1))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return {
    port: address.port,
    streaming: () => streaming,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Exchange {
  incoming: IncomingMessage
  response: ServerResponse
  recorder: Recorder
  intervalMs: number
  process: string
}

async function answer(exchange: Exchange): Promise<void> {
  const { incoming, response, recorder, intervalMs, process } = exchange
  const value = await readQuestion(incoming)
  const tokens = Number(TOKENS.exec(value)?.[1] ?? DEFAULT_TOKENS)
  const id = recorder.nextId()
  recorder.record({ op: 'model', phase: 'invoke', id, process, value, tokens })
  const pieces = Array.from({ length: tokens }, (_, index) => modelToken(id, index))
  const events = WIRES.openai.events({ pieces, usage: { prompt: 5, completion: tokens } })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let sent = 0
  for (const [index, event] of events.entries()) {
    if (response.destroyed) break
    response.write(encodeEvents([event]))
    sent = index + 1
    // The first event says who speaks, the last three end the stream: neither is a token.
    if (index > 0 && index <= tokens) await sleep(intervalMs)
  }
  const phase = response.destroyed ? 'fail' : 'ok'
  response.end()
  recorder.record({
    op: 'model',
    phase,
    id,
    process,
    sent: Math.min(tokens, Math.max(0, sent - 1)),
  })
}

async function readQuestion(incoming: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of incoming) chunks.push(chunk as Uint8Array)
  const body = JSON.parse(Buffer.concat(chunks).toString()) as {
    messages?: { content?: string }[]
  }
  const last = body.messages?.at(-1)?.content ?? ''
  return [...last.matchAll(QUESTION)].at(-1)?.[0] ?? last
}
