import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message, ReplyDelta } from '@chatbox/contract'
import type { Sample } from '../compare/comparison.ts'
import { percentile } from './pace.ts'
import { openUser } from './user.ts'

/** Asks a question and resolves with the complete reply. */
export interface Asker {
  ask(): Promise<TokenStream>
  /** The part of the current reply that has arrived. */
  stream(): TokenStream
  close(): void
}

const REPLY_TIMEOUT_MS = 120_000

/** A user of the product with their own session. */
export async function openChatAsker(gateway: { port: number }, name: string): Promise<Asker> {
  let stream = new TokenStream()
  let done = Promise.withResolvers<undefined>()
  const { line, session } = await openUser(gateway, name, {
    onEvent(event, text) {
      if (event === 'reply:delta') stream.add((JSON.parse(text) as ReplyDelta).text)
      if (event !== 'message:new') return
      const { message } = JSON.parse(text) as { message: Message }
      if (message.replyTo !== undefined) done.resolve(undefined)
    },
  })
  return {
    async ask() {
      stream = new TokenStream()
      done = Promise.withResolvers()
      const question = { sessionId: session.id, clientMessageId: randomUUID(), content: 'Count.' }
      await line.request('message:send', question)
      await inTime(done.promise)
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
      await inTime(once(response, 'end'))
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

async function inTime(work: Promise<unknown>): Promise<void> {
  const late = new AbortController()
  const timer = sleep(REPLY_TIMEOUT_MS, undefined, { signal: late.signal }).then(
    () => Promise.reject(new Error('a reply did not come in time')),
    () => undefined,
  )
  await Promise.race([work, timer]).finally(() => late.abort())
}

/** What one viewer sees of one reply of numbered tokens. */
export class TokenStream {
  #text = ''
  #lastAt = 0
  frames = 0
  firstMs = Number.NaN
  /** When the first text arrived, on `performance.now()`. */
  firstAt = Number.NaN
  readonly gapsMs: number[] = []
  /** When each token arrived. */
  readonly #tokensAt: number[] = []

  add(text: string): void {
    const now = performance.now()
    if (this.#text === '') {
      this.firstMs = toAgeMs(text)
      this.firstAt = now
    } else this.gapsMs.push(now - this.#lastAt)
    for (let token = text.split(' ').length; token > 1; token -= 1) this.#tokensAt.push(now)
    this.#lastAt = now
    this.#text += text
    this.frames += 1
  }

  /**
   * How long each token took from the model. The model's tokens are due at fixed times after its
   * first one, which says when it was written.
   */
  tokenDelaysMs(intervalMs: number): number[] {
    return this.#tokensAt.map(
      (at, index) => this.firstMs + (at - this.firstAt) - index * intervalMs,
    )
  }

  /** The number of tokens in their right place. */
  countTokens(): { delivered: number; misordered: number } {
    const tokens = this.#text.split(' ').slice(0, -1)
    const misordered = tokens.filter((token, index) => index > 0 && token !== String(index)).length
    return { delivered: tokens.length, misordered }
  }
}

/**
 * The first token of a reply is the time at which it was written, on the monotonic clock that all
 * processes share.
 */
function toAgeMs(text: string): number {
  const [, stamp] = /^sent@(\d+)/.exec(text) ?? []
  return stamp === undefined ? Number.NaN : Number(process.hrtime.bigint() - BigInt(stamp)) / 1e6
}

export function toStreamSample(streams: readonly TokenStream[], tokens: number): Sample {
  const counts = streams.map((stream) => stream.countTokens())
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  const delivered = sum(counts.map((count) => count.delivered))
  const sent = streams.length * tokens
  const first = streams.map((stream) => stream.firstMs)
  const gaps = streams.flatMap((stream) => stream.gapsMs)
  return {
    sent,
    delivered,
    lost: Math.max(0, sent - delivered),
    duplicates: Math.max(0, delivered - sent),
    misordered: sum(counts.map((count) => count.misordered)),
    'first token p50': percentile(first, 0.5),
    'first token p99': percentile(first, 0.99),
    'frame gap p99': percentile(gaps, 0.99),
    frames: sum(streams.map((stream) => stream.frames)) / streams.length,
  }
}
