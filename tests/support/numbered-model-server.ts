import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import {
  startHostileModelServer,
  type Exchange,
  type HostileModelServer,
} from './hostile-model-server.ts'
import { encodeEvents, WIRES, type Protocol } from './model-wire.ts'

export interface NumberedModel {
  /** How many tokens one reply has. */
  tokens: number
  /** From one token to the next. */
  intervalMs: number
}

export interface NumberedModelServer extends HostileModelServer {
  /** Replies that are being streamed now. */
  streaming(): number
  /** Changes what the next replies are like. */
  set(model: Partial<NumberedModel>): void
}

/**
 * A model server of any protocol, told by the path of the request, whose replies are numbered
 * tokens: `0 1 2 ...`. A gap, a repeat or a wrong order in what a user sees is seen at a glance.
 */
export async function startNumberedModelServer(
  initial: Partial<NumberedModel> = {},
): Promise<NumberedModelServer> {
  const model: NumberedModel = { tokens: 50, intervalMs: 20, ...initial }
  const server = await startHostileModelServer()
  let streaming = 0
  server.answer(async (exchange) => {
    streaming++
    try {
      await streamNumbers(exchange, model)
    } finally {
      streaming--
    }
  })
  return {
    ...server,
    streaming: () => streaming,
    set: (changes) => {
      Object.assign(model, changes)
    },
  }
}

/** The whole text of a reply of so many tokens. */
export function numberedText(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => `${index} `).join('')
}

async function streamNumbers({ request, response }: Exchange, model: NumberedModel): Promise<void> {
  const { tokens, intervalMs } = model
  const protocol = protocolOf(request.path)
  if (!protocol) {
    response.writeHead(404).end()
    return
  }
  const pieces = numberedText(tokens).match(/\d+ /g) ?? []
  const closed = once(response, 'close')
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of WIRES[protocol].events({
    pieces,
    usage: { prompt: 1, completion: tokens },
  })) {
    await Promise.race([delay(intervalMs), closed])
    if (response.destroyed) return
    response.write(encodeEvents([event]))
  }
  response.end()
}

function protocolOf(path: string): Protocol | undefined {
  if (path.endsWith('/chat/completions')) return 'openai'
  if (path.endsWith('/messages')) return 'anthropic'
  return path.endsWith('/chat-messages') ? 'dify' : undefined
}
