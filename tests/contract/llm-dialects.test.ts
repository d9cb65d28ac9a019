import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
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
  type ModelUnderTest,
} from '../support/model-client.ts'
import { encodeEvents, protocolOf, WIRES, type Protocol } from '../environment/model-wire.ts'

/** A field that a body must not have, in what it holds as JSON; the refusal; what is sent then. */
interface Row {
  protocol: Protocol
  refuses: RegExp
  with: string
  status?: number
  sends: object
}

const QUESTION = { role: 'user', content: 'Hello' }
const JOINED = { messages: [{ role: 'user', content: 'Be brief.\n\nHello' }] }
const said = (message: string): string => JSON.stringify({ error: { message } })

const ROWS: Row[] = [
  {
    protocol: 'openai',
    refuses: /stream_options/,
    with: said('Unknown field stream_options'),
    sends: { messages: [{ role: 'system', content: 'Be brief.' }, QUESTION] },
  },
  {
    protocol: 'openai',
    refuses: /stream_options/,
    status: 422,
    with: '{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"]}]}',
    sends: { max_tokens: 321 },
  },
  {
    protocol: 'openai',
    refuses: /"max_tokens"/,
    with: said("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
    sends: { max_completion_tokens: 321, stream_options: { include_usage: true } },
  },
  {
    protocol: 'openai',
    refuses: /"system"/,
    with: said("Unsupported value: 'messages[0].role' does not support 'system' with this model."),
    sends: JOINED,
  },
  {
    protocol: 'openai',
    refuses: /"system"/,
    status: 500,
    with: said('System role not supported at row 1, column 48'),
    sends: JOINED,
  },
  {
    protocol: 'openai',
    refuses: /"system"/,
    with: said('Conversation roles must alternate user/assistant/user/assistant/...'),
    sends: JOINED,
  },
  {
    protocol: 'openai',
    refuses: /"system"/,
    with: said("The role 'system' is not supported with this model. Use 'developer' instead."),
    sends: { messages: [{ role: 'developer', content: 'Be brief.' }, QUESTION] },
  },
  {
    protocol: 'anthropic',
    refuses: /"system"/,
    with: said('system: Extra inputs are not permitted'),
    sends: JOINED,
  },
  {
    protocol: 'anthropic',
    refuses: /"system"/,
    with: said("role 'system' is not supported on this model"),
    sends: JOINED,
  },
  {
    protocol: 'dify',
    refuses: /"system_prompt"/,
    with: '{"code":"invalid_param","message":"system_prompt in input form must be less than 48 characters","status":400}',
    sends: { inputs: {}, query: 'Be brief.\n\nHello' },
  },
]

describe('a server that refuses a part of its protocol', () => {
  let server: ModelServer
  let model: ModelUnderTest | undefined

  beforeEach(async () => {
    server = await startModelServer()
  })
  afterEach(async () => {
    await model?.close()
    await server.stop()
  })

  const open = (type: Protocol): ModelUnderTest =>
    (model = openModel({ type, endpoint: server.url + '/v1', maxTokens: 321 }))
  const bodies = (): unknown[] => server.requests.map(({ body }) => body)
  const refuse =
    (...rows: Pick<Row, 'refuses' | 'status' | 'with'>[]): Answer =>
    (exchange) => {
      const json = JSON.stringify(exchange.request.body)
      const row = rows.find(({ refuses }) => refuses.test(json))
      if (row) return sendStatus(row.status ?? 400, row.with)(exchange)
      const wire = WIRES[protocolOf(exchange.request.path) ?? 'openai']
      return streamPieces([encodeEvents(wire.events({ pieces: ['hi'] }))])(exchange)
    }

  it.each(ROWS)('$protocol: $with', async (row) => {
    server.answer(refuse(row))
    const { llm, calls } = open(row.protocol)
    expect(await readReply(llm)).toMatchObject({ text: 'hi', ended: true, error: undefined })
    // Learned once, so the next question is not refused first.
    await readReply(llm)
    expect(bodies()).toHaveLength(3)
    expect(bodies()[2]).toMatchObject(row.sends)
    expect(JSON.stringify(bodies()[2])).not.toMatch(row.refuses)
    expect(calls).toEqual(['ok', 'ok'])
  })

  it('may refuse several parts, one after the other', async () => {
    const rows = ROWS.filter(({ protocol }) => protocol === 'openai').slice(1, 4)
    server.answer(refuse(...rows))
    const { llm } = open('openai')
    const outcome = await readReply(llm)
    expect(outcome).toMatchObject({ text: 'hi', ended: true })
    // What is not counted is estimated.
    expect(outcome.usage?.totalTokens).toBeGreaterThan(0)
    expect(bodies()).toHaveLength(4)
    expect(bodies()[3]).toMatchObject({ max_completion_tokens: 321, ...JOINED })
  })

  it('may refuse `developer` too', async () => {
    const [system] = ROWS.filter(({ with: text }) => text.includes('developer'))
    const developer = { refuses: /"developer"/, with: said("Unknown role 'developer'") }
    server.answer(refuse(...(system ? [system] : []), developer))
    expect((await readReply(open('openai').llm)).ended).toBe(true)
    expect(bodies()).toHaveLength(3)
    expect(bodies()[2]).toMatchObject(JOINED)
  })

  it('teaches every question that was asked before the first refusal came', async () => {
    for (const row of ROWS) {
      server.answer(refuse(row))
      await model?.close()
      const { llm } = open(row.protocol)
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, at) => readReply(llm, toRequest({ sessionId: `s${at}` }))),
      )
      expect(outcomes.map(({ ended }) => ended)).toEqual(Array(10).fill(true))
    }
  })

  it.each(ROWS)('is asked no more than twice where that changes nothing: $with', async (row) => {
    server.answer(sendStatus(row.status ?? 400, row.with))
    const { llm } = open(row.protocol)
    for (const requests of [2, 4]) {
      const { error } = await readReply(llm)
      expect(error).toMatchObject({ code: 'LLM_UNAVAILABLE' })
      expect(bodies()).toHaveLength(requests)
    }
    // What changed nothing is forgotten, so that it does no harm.
    server.answer(sendStatus(401, ''))
    await readReply(llm)
    expect(bodies()[4]).toEqual(bodies()[0])
  })

  it.each(ROWS)('is asked in the usual form where the other is refused: $with', async (row) => {
    const { llm } = open(row.protocol)
    server.answer(refuse(row))
    await readReply(llm)
    // A server that was replaced refuses the form that its predecessor asked for.
    const [usual, learned] = bodies().map((body) => JSON.stringify(body))
    server.answer((exchange) => {
      const isRefused = JSON.stringify(exchange.request.body) === learned
      return isRefused ? sendStatus(row.status ?? 400, row.with)(exchange) : refuse()(exchange)
    })
    for (const requests of [4, 5]) {
      expect(await readReply(llm)).toMatchObject({ text: 'hi', ended: true })
      expect(bodies()).toHaveLength(requests)
      expect(JSON.stringify(bodies().at(-1))).toBe(usual)
    }
  })

  it.each(ROWS)('teaches nothing by what it quotes of a question: $with', async (row) => {
    const { llm } = open(row.protocol)
    const words = (JSON.parse(row.with) as { error?: { message: string } }).error?.message
    const content = `Please explain: ${words ?? row.with}`
    const asked = toRequest({ messages: [{ role: 'user', content }] })
    const quotes = [content, `${content.slice(0, 60)}...`, JSON.stringify({ input: content })]
    for (const [at, quote] of quotes.entries()) {
      server.answer(sendStatus(400, said(`Invalid value: '${quote}'`)))
      expect((await readReply(llm, asked)).error).toMatchObject({ code: 'LLM_UNAVAILABLE' })
      expect(bodies()).toHaveLength(at + 1)
      expect(bodies()[at]).toEqual(bodies()[0])
    }
  })

  it.each(['openai', 'anthropic', 'dify'] as const)('%s: has nothing to learn', async (type) => {
    const { llm } = open(type)
    for (const [status, text] of [
      [400, said(`Unknown model; your key is ${TEST_KEY}`)],
      [401, said('System role not supported')],
      [404, said('stream_options')],
      [400, said('')],
    ] as const) {
      const asked = bodies().length
      server.answer(sendStatus(status, text))
      expect((await readReply(llm)).error).toMatchObject({ retryable: false })
      expect(bodies()).toHaveLength(asked + 1)
    }
  })

  it('tells Dify the system prompt once in a conversation', async () => {
    const [row] = ROWS.filter(({ protocol }) => protocol === 'dify')
    server.answer(refuse(...(row ? [row] : [])))
    const { llm } = open('dify')
    const { ref } = await readReply(llm)
    const messages = [
      QUESTION,
      { role: 'assistant', content: 'hi' },
      { role: 'user', content: 'b' },
    ]
    await readReply(llm, toRequest({ messages: messages as never, conversationRef: ref }))
    expect(bodies().at(-1)).toMatchObject({ inputs: {}, query: 'b' })
  })
})

const TOO_LONG: [Protocol, number, string][] = [
  ['openai', 400, '{"error":{"code":"context_length_exceeded","message":"no"}}'],
  ['openai', 500, '{"error":{"type":"exceed_context_size_error","message":"no"}}'],
  ['openai', 422, said('`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4097')],
  ['openai', 413, '<html>413 Request Entity Too Large</html>'],
  ['openai', 429, said('Request too large for model `x` on tokens per minute (TPM): Limit 6000')],
  ['anthropic', 400, said('prompt is too long: 213462 tokens > 200000 maximum')],
  ['anthropic', 413, '{"error":{"type":"request_too_large","message":"no"}}'],
  ['dify', 400, '{"code":"invalid_param","message":"Query or prefix prompt is too long"}'],
]

describe('a question that is too long for the model', () => {
  it.each(TOO_LONG)('%s says so with %i: %s', async (protocol, status, body) => {
    const server = await startModelServer(sendStatus(status, body))
    const model = openModel({ type: protocol, endpoint: server.url + '/v1' })
    const outcome = await readReply(model.llm)
    expect(outcome.error).toMatchObject({ code: 'LLM_TOO_LONG', retryable: false })
    // The transport does not know what can be left out.
    expect(server.requests).toHaveLength(1)
    expect(model.calls).toEqual(['refused'])
    await model.close()
    await server.stop()
  })

  it.each([
    ['openai', { error: { message: 'maximum context length is 4096 tokens', type: 'x' } }],
    ['anthropic', { type: 'error', error: { type: 'api_error', message: 'prompt is too long' } }],
    ['dify', { event: 'error', status: 400, code: 'x', message: 'prefix prompt is too long' }],
  ] as const)('%s says so in its stream', async (protocol, event) => {
    const bytes = encodeEvents([{ data: JSON.stringify(event) }])
    const server = await startModelServer(streamPieces([bytes]))
    const model = openModel({ type: protocol, endpoint: server.url + '/v1' })
    expect((await readReply(model.llm)).error).toMatchObject({ code: 'LLM_TOO_LONG' })
    await model.close()
    await server.stop()
  })
})
