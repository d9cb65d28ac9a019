import { setTimeout as sleep } from 'node:timers/promises'
import {
  startHostileModelServer,
  type Answer,
  type HostileModelServer,
} from './hostile-model-server.ts'
import { encodeEvents, WIRES } from './model-wire.ts'

export interface TokenServer extends HostileModelServer {
  /** What it streams for a question that asks for so many tokens. */
  textOf(tokens: number): string
}

const DEFAULT_TOKENS = 10
const TOKEN_INTERVAL_MS = 20

/**
 * A model server that streams numbered tokens, one each 20 ms: as many as the number in the last
 * message says (`tokens=40`), 10 without one. What a viewer shows can thus be checked word by word.
 */
export async function startTokenServer(): Promise<TokenServer> {
  const server = await startHostileModelServer()
  server.answer(streamTokens)
  return { ...server, textOf: (tokens) => toTokens(tokens).join('') }
}

const streamTokens: Answer = async ({ request, response }) => {
  const pieces = toTokens(readCount(request.body))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const events = WIRES.openai.events({
    pieces,
    usage: { prompt: 7, completion: pieces.length },
  })
  for (const event of events) {
    if (response.destroyed) return
    response.write(encodeEvents([event]))
    await sleep(TOKEN_INTERVAL_MS)
  }
  response.end()
}

function toTokens(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `t${index} `)
}

function readCount(body: unknown): number {
  const found = [...JSON.stringify(body).matchAll(/tokens=(\d+)/gu)].at(-1)
  return found ? Number(found[1]) : DEFAULT_TOKENS
}
