import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { LlmRequest } from '@chatbox/core'
import {
  hang,
  sendStatus,
  startModelServer,
  streamPieces,
  type Answer,
  type ModelServer,
} from '../environment/model-server.ts'
import {
  openModel,
  readReply,
  TEST_KEY,
  toRequest,
  within,
  type ModelUnderTest,
} from '../support/model-client.ts'
import { encodeEvents, WIRES, type Protocol } from '../environment/model-wire.ts'

const HISTORY: LlmRequest['messages'] = [
  { role: 'user', content: 'first question' },
  { role: 'assistant', content: 'first answer' },
  { role: 'user', content: 'second question' },
]

let server: ModelServer
let model: ModelUnderTest

function open(type: Protocol): void {
  model = openModel({ type, endpoint: server.url + '/v1', model: 'some-model', maxTokens: 321 })
}

function bodies(): unknown[] {
  return server.requests.map(({ body }) => body)
}

function good(protocol: Protocol, conversationId = 'conversation-1'): Answer {
  return streamPieces([encodeEvents(WIRES[protocol].events({ pieces: ['hi'], conversationId }))])
}

beforeEach(async () => {
  server = await startModelServer()
})
afterEach(async () => {
  await model.close()
  await server.stop()
})

describe('openai on the wire', () => {
  beforeEach(() => {
    open('openai')
  })

  it('is given the system prompt and the whole history', async () => {
    server.answer(good('openai'))
    await readReply(model.llm, toRequest({ messages: HISTORY }))
    expect(bodies()).toEqual([
      {
        model: 'some-model',
        messages: [{ role: 'system', content: 'Be brief.' }, ...HISTORY],
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 321,
      },
    ])
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${TEST_KEY}`)
  })

  it('is given no system message when there is no prompt, and no key when there is none', async () => {
    server.answer(good('openai'))
    await model.close()
    model = openModel({ type: 'openai', endpoint: server.url, apiKey: undefined })
    await readReply(model.llm, toRequest({ system: '' }))
    expect(bodies()[0]).toMatchObject({ messages: [{ role: 'user', content: 'Hello' }] })
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('waits for a model that thinks', async () => {
    await model.close()
    const options = { timeouts: { firstTokenMs: 200, idleMs: 200 } }
    model = openModel({ type: 'openai', endpoint: server.url }, options)
    const thought = encodeEvents([
      { data: JSON.stringify({ choices: [{ delta: { reasoning_content: 'hm' } }] }) },
    ])
    server.answer(async ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let thoughts = 0; thoughts < 6; thoughts++) {
        response.write(thought)
        await new Promise((resolve) => setTimeout(resolve, 60))
      }
      response.end(encodeEvents(WIRES.openai.events({ pieces: ['hi'] })))
    })
    expect(await readReply(model.llm)).toMatchObject({ text: 'hi', ended: true })
  })
})

describe('anthropic on the wire', () => {
  beforeEach(() => {
    open('anthropic')
  })

  it('is given the system prompt in its own field, and the whole history', async () => {
    server.answer(good('anthropic'))
    await readReply(model.llm, toRequest({ messages: HISTORY }))
    expect(bodies()).toEqual([
      {
        model: 'some-model',
        max_tokens: 321,
        system: 'Be brief.',
        messages: HISTORY,
        stream: true,
      },
    ])
    expect(server.requests[0]?.headers).toMatchObject({
      'x-api-key': TEST_KEY,
      'anthropic-version': '2023-06-01',
    })
  })

  it('is not given what it refuses: no prompt, an answer of white space', async () => {
    server.answer(good('anthropic'))
    const [first, , last] = HISTORY
    const messages = [first, { role: 'assistant' as const, content: ' \n' }, last].flatMap(
      (message) => (message ? [message] : []),
    )
    await readReply(model.llm, toRequest({ system: '', messages }))
    expect(bodies()[0]).not.toHaveProperty('system')
    const content = 'first question\n\nsecond question'
    expect(bodies()[0]).toMatchObject({ messages: [{ role: 'user', content }] })
  })
})

describe('dify on the wire', () => {
  beforeEach(() => {
    open('dify')
  })

  it('is given the system prompt as a variable and the history before the first question', async () => {
    server.answer(good('dify'))
    const outcome = await readReply(model.llm, toRequest({ messages: HISTORY }))
    expect(bodies()).toEqual([
      {
        inputs: { system_prompt: 'Be brief.' },
        query: expect.stringMatching(/first question[^]*first answer[^]*\nsecond question$/),
        response_mode: 'streaming',
        conversation_id: '',
        user: 'user-1',
        auto_generate_name: false,
      },
    ])
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${TEST_KEY}`)
    expect(outcome.ref).toMatch(/^conversation-1 /)
  })

  it('goes on in its own conversation', async () => {
    server.answer(good('dify'))
    const { ref } = await readReply(model.llm, toRequest({ messages: HISTORY.slice(0, 1) }))
    const next = toRequest({ messages: HISTORY, conversationRef: ref })
    expect((await readReply(model.llm, next)).ended).toBe(true)
    expect(bodies()[1]).toMatchObject({
      conversation_id: 'conversation-1',
      query: 'second question',
    })
  })

  it('begins anew, with the history, when its conversation is gone', async () => {
    server.answer(good('dify'))
    const { ref } = await readReply(model.llm, toRequest({ messages: HISTORY.slice(0, 1) }))
    server.answer(sendStatus(404, '{"message":"Conversation Not Exists."}'), good('dify', 'new'))
    const next = toRequest({ messages: HISTORY, conversationRef: ref })
    const outcome = await readReply(model.llm, next)
    expect(outcome).toMatchObject({ text: 'hi', ended: true, ref: expect.stringMatching(/^new /) })
    expect(bodies()[2]).toMatchObject({
      conversation_id: '',
      query: expect.stringContaining('first answer'),
    })
  })

  it('is told to stop, since hanging up does not stop it', async () => {
    const part = encodeEvents(WIRES.dify.events({ pieces: ['hi'], taskId: 'task/7' }).slice(0, 3))
    server.answer(streamPieces([part], { then: 'hang' }), sendStatus(200, '{"result":"success"}'))
    const controller = new AbortController()
    for await (const chunk of model.llm.streamReply(toRequest(), controller.signal)) {
      if (chunk.type === 'text') break
    }
    await within(1000, server.received(2))
    expect(server.requests[1]).toMatchObject({
      path: '/v1/chat-messages/task%2F7/stop',
      body: { user: 'user-1' },
    })
  })

  it('is not told to stop before it has begun, nor after it has ended', async () => {
    server.answer(hang())
    const controller = new AbortController()
    const reply = readReply(model.llm, toRequest(), controller.signal)
    await server.received(1)
    controller.abort(new Error('stop'))
    await reply
    server.answer(good('dify'))
    await readReply(model.llm)
    await readReply(model.llm)
    expect(server.requests.map(({ path }) => path)).toEqual(Array(3).fill('/v1/chat-messages'))
  })
})
