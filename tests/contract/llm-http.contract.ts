import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { LlmError } from '@chatbox/core'
import type { ModelDirectoryOptions } from '@chatbox/worker'
import {
  hang,
  reset,
  sendStatus,
  startModelServer,
  streamPieces,
  type ModelServer,
} from '../environment/model-server.ts'
import {
  openModel,
  readReply,
  TEST_KEY,
  toRequest,
  within,
  type ModelUnderTest,
  type Outcome,
} from '../support/model-client.ts'
import { encodeEvents, WIRES, type Protocol, type WireReply } from '../environment/model-wire.ts'

const REPLY: WireReply = {
  pieces: ['Héllo ', '世界 ', '🎉', ' and\r\nmore'],
  usage: { prompt: 12, completion: 7 },
}
const WHOLE = REPLY.pieces.join('')

/** What a model behind HTTP keeps, whatever its server does. */
export function describeHttpLlm(protocol: Protocol): void {
  const wire = WIRES[protocol]
  let server: ModelServer
  let model: ModelUnderTest

  const open = (options: ModelDirectoryOptions = {}): ModelUnderTest =>
    openModel({ type: protocol, endpoint: server.url + '/v1' }, options)
  /** One reply after the server was told what to do; also proves that the key stays inside. */
  const readFrom = async (options: ModelDirectoryOptions = {}): Promise<Outcome> => {
    await model.close()
    model = open(options)
    const outcome = await within(15_000, readReply(model.llm))
    expect(everythingIn(outcome.error)).not.toContain(TEST_KEY)
    expect(everythingIn(model.logged)).not.toContain(TEST_KEY)
    return outcome
  }

  describe(`${protocol} against a hostile server`, () => {
    beforeEach(async () => {
      server = await startModelServer()
      model = open()
    })
    afterEach(async () => {
      await model.close()
      await server.stop()
    })

    it('delivers exactly the text and the usage that were sent', async () => {
      server.answer(streamPieces([encodeEvents(wire.events(REPLY))]))
      expect(await readFrom()).toMatchObject({
        text: WHOLE,
        ended: true,
        error: undefined,
        usage: { promptTokens: 12, completionTokens: 7, totalTokens: 19 },
      })
      expect(server.requests[0]).toMatchObject({ method: 'POST', path: wire.path })
      expect(server.requests[0]?.headers['x-request-id']).toBe('request-1')
    })

    it('keeps its connections for the next questions', async () => {
      server.answer(streamPieces([encodeEvents(wire.events(REPLY))]))
      for (let turn = 0; turn < 8; turn++) await readReply(model.llm)
      // Two, since a question may come before the server has ended the last answer.
      const connections = new Set(server.requests.map(({ clientPort }) => clientPort))
      expect(connections.size).toBeLessThanOrEqual(2)
    })

    it('keeps what the provider says out of the detail', async () => {
      server.answer(sendStatus(400, `{"error":{"message":"no: ${WHOLE} ${TEST_KEY}"}}`))
      expect((await readFrom()).error).toMatchObject({
        code: 'LLM_UNAVAILABLE',
        message: 'The model could not answer.',
        detail: 'status 400',
        said: expect.stringContaining('[key]'),
      })
      expect(model.calls).toEqual(['refused'])
    })

    it('honours Retry-After in seconds and as a date, capped', async () => {
      const inTwentySeconds = new Date(Date.now() + 20_000).toUTCString()
      for (const [value, low, high] of [
        ['7', 7000, 7000],
        [inTwentySeconds, 15_000, 20_000],
        ['86400', 60_000, 60_000],
        ['Thu, 01 Jan 1970 00:00:00 GMT', 0, 0],
      ] as const) {
        server.answer(sendStatus(429, '{}', { 'retry-after': value }))
        const { error } = await readFrom()
        const { retryAfterMs } = error as LlmError
        expect(retryAfterMs).toBeGreaterThanOrEqual(low)
        expect(retryAfterMs).toBeLessThanOrEqual(high)
      }
      server.answer(sendStatus(429, '{}', { 'retry-after': 'soon 1' }))
      expect((await readFrom()).error).toMatchObject({ retryable: true, retryAfterMs: undefined })
    })

    it('does not follow a redirect', async () => {
      const other = await startModelServer()
      server.answer(sendStatus(307, '', { location: other.url + wire.path }))
      expect((await readFrom()).error).toMatchObject({ retryable: false })
      expect(other.requests).toHaveLength(0)
      await other.stop()
    })

    it('reads no more than the first part of an error', async () => {
      server.answer(({ response }) => {
        response.writeHead(500)
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 'z')));
          response.once('drain', more)
        }
        more()
      })
      const { error } = await readFrom()
      expect((error as LlmError).said).toHaveLength(501)
      await within(1000, server.requests[0]?.cut ?? Promise.reject(new Error('no request')))
    })

    it('says LLM_UNAVAILABLE when it is not let in', async () => {
      server.answer(reset())
      expect((await readFrom()).error).toMatchObject({ code: 'LLM_UNAVAILABLE', retryable: true })
      const refused = openModel({ type: protocol, endpoint: 'http://127.0.0.1:1/v1' })
      const { error } = await readReply(refused.llm)
      expect(error).toMatchObject({ code: 'LLM_UNAVAILABLE', retryable: true })
      await refused.close()
    })

    it('says LLM_TIMEOUT when nothing comes, before the headers and after them', async () => {
      for (const answer of [hang(), streamPieces([], { then: 'hang' })]) {
        server.answer(answer)
        const { error } = await readFrom({ timeouts: { firstTokenMs: 60 } })
        expect(error).toMatchObject({
          code: 'LLM_TIMEOUT',
          retryable: true,
          detail: 'no first token within 60 ms',
        })
        await within(1000, server.requests.at(-1)?.cut ?? Promise.reject(new Error('no request')))
      }
    })

    it('says LLM_TIMEOUT when the text stops, whatever keep-alives come', async () => {
      server.answer(async ({ response }) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(encodeEvents(wire.events(REPLY).slice(0, 4)))
        const timer = setInterval(() => response.write(wire.keepAlive), 20)
        response.once('close', () => {
          clearInterval(timer)
        })
      })
      const outcome = await readFrom({ timeouts: { idleMs: 150, keptAliveMs: 150 } })
      expect(outcome.text).not.toBe('')
      expect(outcome.error).toMatchObject({
        code: 'LLM_TIMEOUT',
        detail: 'no next token within 150 ms',
      })
    })

    it('says LLM_TIMEOUT when a reply never ends', async () => {
      const [first, ...rest] = wire.events(REPLY)
      server.answer(async ({ response }) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(encodeEvents(first ? [first] : []))
        const timer = setInterval(() => response.write(encodeEvents(rest.slice(2, 3))), 10)
        response.once('close', () => {
          clearInterval(timer)
        })
      })
      const outcome = await readFrom({ timeouts: { totalMs: 200 } })
      expect(outcome.error).toMatchObject({
        code: 'LLM_TIMEOUT',
        detail: 'no end of the reply within 200 ms',
      })
    })

    it('ends the upstream request within a second of an abort', async () => {
      const part = encodeEvents(wire.events(REPLY).slice(0, 4))
      for (const answer of [hang(), streamPieces([part], { then: 'hang' })]) {
        server.answer(answer)
        const asked = server.requests.length
        const controller = new AbortController()
        const reply = readReply(model.llm, toRequest(), controller.signal)
        await server.received(asked + 1)
        const abortedAt = Date.now()
        controller.abort(new Error('stop'))
        expect((await within(1000, reply)).error).toMatchObject({ message: 'stop' })
        const cutAt = await within(1000, server.requests[asked]?.cut ?? Promise.reject(new Error()))
        expect(cutAt - abortedAt).toBeLessThan(1000)
      }
    })

    it('ends the upstream request when its reader leaves', async () => {
      const part = encodeEvents(wire.events(REPLY).slice(0, 4))
      server.answer(streamPieces([part], { then: 'hang' }))
      const signal = new AbortController().signal
      for await (const chunk of model.llm.streamReply(toRequest(), signal)) {
        if (chunk.type === 'text') break
      }
      await within(1000, server.requests[0]?.cut ?? Promise.reject(new Error('no request')))
      expect(model.calls).toEqual(['aborted'])
    })

    it('cuts a connection that stays open after the end of the reply', async () => {
      server.answer(streamPieces([encodeEvents(wire.events(REPLY))], { then: 'hang' }))
      expect((await readFrom()).ended).toBe(true)
      await within(3000, server.requests[0]?.cut ?? Promise.reject(new Error('no request')))
    })

    it('does not take a slow reader for a slow provider', async () => {
      const pieces = Array.from({ length: 12 }, (_, index) => `${index} `)
      server.answer(async ({ response }) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const event of wire.events({ pieces })) {
          response.write(encodeEvents([event]))
          await delay(20)
        }
        response.end()
      })
      await model.close()
      model = open({ timeouts: { idleMs: 100 } })
      let text = ''
      for await (const chunk of model.llm.streamReply(toRequest(), new AbortController().signal)) {
        if (chunk.type !== 'text') continue
        // The server still writes while the reader dwells on the first piece.
        await delay(text === '' ? 160 : 5)
        text += chunk.text
      }
      expect(text).toBe(pieces.join(''))
    })
  })
}

function everythingIn(value: unknown): string {
  const error = value instanceof Error ? `${value.stack ?? ''}${String(value)}` : ''
  return error + JSON.stringify(value) + inspect(value, { depth: 12, showHidden: true })
}
