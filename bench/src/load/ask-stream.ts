import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { Message, ReplyDelta, Session } from '@chatbox/contract'
import { createToken } from '../token.ts'
import { Line } from './line.ts'
import { socketUrl } from './socket-url.ts'
import { TokenStream } from './token-stream.ts'

/** Asks once more and resolves with what came, when it is whole. */
export interface Asker {
  ask(): Promise<TokenStream>
  /** What has come of the reply that was asked for last. */
  stream(): TokenStream
  close(): void
}

const REPLY_TIMEOUT_MS = 120_000

/** A user of the product with a session of their own. */
export async function openChatAsker(
  gateway: { port: number },
  user: string,
  secret: string,
): Promise<Asker> {
  let stream = new TokenStream()
  let done = Promise.withResolvers<undefined>()
  const line = await Line.open({
    url: socketUrl(gateway, 'engine.io'),
    dialect: 'engine.io',
    token: createToken(user, secret),
    onEvent(event, text) {
      if (event === 'reply:delta') stream.add((JSON.parse(text) as ReplyDelta).text)
      if (event !== 'message:new') return
      const { message } = JSON.parse(text) as { message: Message }
      if (message.replyTo !== undefined) done.resolve(undefined)
    },
  })
  const { session } = await line.prepare<{ session: Session }>('session:open', {})
  return {
    async ask() {
      stream = new TokenStream()
      done = Promise.withResolvers()
      const question = { sessionId: session.id, clientMessageId: randomUUID(), content: 'Count.' }
      await line.request('message:send', question)
      await within(REPLY_TIMEOUT_MS, done.promise)
      return stream
    },
    stream: () => stream,
    close: () => line.close(),
  }
}

/** A browser that reads server-sent events. */
export function openSseAsker({ port }: { port: number }): Asker {
  let stream = new TokenStream()
  return {
    async ask() {
      stream = new TokenStream()
      const asking = request({ port, host: '127.0.0.1', method: 'POST', agent: false })
      asking.end('{}')
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        const events = (rest + text).split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) readEvent(event, stream)
      })
      await within(REPLY_TIMEOUT_MS, once(response, 'end'))
      return stream
    },
    stream: () => stream,
    close: () => undefined,
  }
}

function readEvent(event: string, stream: TokenStream): void {
  if (!event.startsWith('data: ')) return
  stream.add((JSON.parse(event.slice('data: '.length)) as { text: string }).text)
}

async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('a reply did not come in time')), timeoutMs)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
