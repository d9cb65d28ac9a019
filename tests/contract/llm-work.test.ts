import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { LlmWork } from '@chatbox/core'
import type { ProviderSettings } from '@chatbox/kit'
import {
  hang,
  reset,
  sendStatus,
  startModelServer,
  streamPieces,
  type Answer,
  type ModelServer,
} from '../environment/model-server.ts'
import { encodeEvents } from '../environment/model-wire.ts'
import { openModel, readReply, toRequest, type ModelUnderTest } from '../support/model-client.ts'

type Type = Exclude<ProviderSettings['type'], 'demo'>

const TYPES: readonly Type[] = ['openai', 'anthropic', 'dify']
const LONG = 'word '.repeat(60)
/** What the estimate of 300 ASCII characters is. */
const LONG_TOKENS = 100

let server: ModelServer
let model: ModelUnderTest
const work: LlmWork = { isSent: false, hiddenTokens: 0 }

beforeEach(async () => {
  server = await startModelServer()
  Object.assign(work, { isSent: false, hiddenTokens: 0 })
})
afterEach(async () => {
  await model.close()
  await server.stop()
})

function ask(type: Type, { endpoint = server.url, stop = new AbortController() } = {}) {
  model = openModel({ type, endpoint }, { gatherMs: () => 0, timeouts: { connectMs: 300 } })
  return readReply(model.llm, toRequest({ work }), stop.signal)
}

describe.each(TYPES)('what a provider does, %s:', (type) => {
  it('a request is sent once the provider has it, also before any answer', async () => {
    server.answer(hang())
    const stop = new AbortController()
    const asking = ask(type, { stop })
    await server.received(1)
    expect(work.isSent).toBe(true)
    stop.abort(new Error('stopped'))
    await asking
    expect(work.isSent).toBe(true)
  })

  it.each<[string, Answer]>([
    ['400', sendStatus(400)],
    ['429', sendStatus(429)],
    ['500', sendStatus(500)],
    ['a redirect', sendStatus(302, '', { location: 'http://127.0.0.1:9/' })],
  ])('%s is no request sent', async (_what, refusal) => {
    server.answer(refusal)
    expect((await ask(type)).error).toBeDefined()
    expect(work.isSent).toBe(false)
  })

  it('a connection that breaks after the request does not say that it was not sent', async () => {
    server.answer(reset())
    expect((await ask(type)).error).toBeDefined()
    expect(work.isSent).toBe(true)
  })

  it('nothing is sent where nobody listens', async () => {
    const gone = await startModelServer()
    await gone.stop()
    const { error } = await ask(type, { endpoint: gone.url })
    expect(error).toMatchObject({ code: 'LLM_UNAVAILABLE' })
    expect(work.isSent).toBe(false)
  })

  it('nothing is sent over a connection that is never ready', async () => {
    const deaf = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => deaf.once('listening', resolve))
    const address = deaf.address()
    const port = typeof address === 'object' ? address?.port : undefined
    // Nothing answers the handshake of TLS.
    const { error } = await ask(type, { endpoint: `https://127.0.0.1:${port ?? 0}` })
    expect(error).toMatchObject({ code: 'LLM_UNAVAILABLE' })
    expect(work.isSent).toBe(false)
    deaf.close()
  })

  it('nothing is sent after an abort', async () => {
    const stop = new AbortController()
    stop.abort(new Error('stopped'))
    await ask(type, { stop })
    expect(work.isSent).toBe(false)
    expect(server.requests).toHaveLength(0)
  })
})

const delta = (fields: object) => ({ data: JSON.stringify({ choices: [{ delta: fields }] }) })
const block = (fields: object) => ({
  event: 'content_block_delta',
  data: JSON.stringify({ type: 'content_block_delta', index: 0, delta: fields }),
})

describe('reasoning that is not shown is counted', () => {
  it.each<[string, Type, { event?: string; data: string }[]]>([
    ['as DeepSeek sends it', 'openai', [delta({ reasoning_content: LONG })]],
    ['in small pieces', 'openai', Array(60).fill(delta({ reasoning_content: 'word ' }))],
    [
      'under two names, once',
      'openai',
      [delta({ reasoning: LONG, reasoning_details: [{ type: 'reasoning.text', text: LONG }] })],
    ],
    [
      'as OpenRouter sums it up',
      'openai',
      [delta({ reasoning_details: [{ type: 'reasoning.summary', summary: LONG }] })],
    ],
    [
      'as Mistral sends it',
      'openai',
      [delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: LONG }] }] })],
    ],
    ['in a text', 'openai', [delta({ content: '<think>' }), delta({ content: LONG })]],
    [
      'as the call of a tool',
      'openai',
      [delta({ tool_calls: [{ index: 0, function: { name: '', arguments: LONG } }] })],
    ],
    ['as Claude sends it', 'anthropic', [block({ type: 'thinking_delta', thinking: LONG })]],
    [
      'as Claude calls a tool',
      'anthropic',
      [block({ type: 'input_json_delta', partial_json: LONG })],
    ],
    [
      'as an agent of Dify thinks',
      'dify',
      [{ data: JSON.stringify({ event: 'agent_thought', thought: LONG }) }],
    ],
  ])('%s', async (_how, type, events) => {
    server.answer(streamPieces([encodeEvents(events)], { then: 'reset' }))
    expect((await ask(type)).text).toBe('')
    expect(work.isSent).toBe(true)
    expect(Math.abs(work.hiddenTokens - LONG_TOKENS)).toBeLessThan(5)
  })

  it('not the text of an ordinary reply', async () => {
    server.answer(streamPieces([encodeEvents([delta({ content: LONG })])], { then: 'reset' }))
    expect((await ask('openai')).text).toBe(LONG)
    expect(work.hiddenTokens).toBe(0)
  })

  it.each<[string, { data: string }[]]>([
    ['in the piece that brings text', [delta({ reasoning_content: LONG, content: 'Yes.' })]],
    [
      'in a list of parts with text',
      [
        delta({
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: LONG }] },
            { type: 'text', text: 'Yes.' },
          ],
        }),
      ],
    ],
    ['beside a refusal', [delta({ reasoning: LONG, refusal: 'Yes.' })]],
    [
      'in the piece that takes shown text back',
      [delta({ content: 'So' }), delta({ content: `, ${LONG}\n</think>\nYes.` })],
    ],
  ])('%s', async (_how, events) => {
    server.answer(streamPieces([encodeEvents(events)], { then: 'reset' }))
    expect((await ask('openai')).text).toBe('Yes.')
    expect(Math.abs(work.hiddenTokens - LONG_TOKENS)).toBeLessThan(6)
  })

  it('in the estimate of a whole reply whose tokens the server does not tell', async () => {
    const end = { data: JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }] }) }
    const events = [delta({ reasoning_content: LONG }), delta({ content: 'Yes.' }), end]
    server.answer(streamPieces([encodeEvents(events)]))
    const { usage, text } = await ask('openai')
    expect(text).toBe('Yes.')
    expect(usage?.completionTokens).toBeGreaterThan(LONG_TOKENS)
  })
})
