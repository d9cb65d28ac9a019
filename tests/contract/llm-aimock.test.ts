import { LLMock } from '@copilotkit/aimock'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { openModel, readReply, toRequest, type ModelUnderTest } from '../support/model-client.ts'

const LONG = 'A reply of many words with é, 世界 and 🎉 in it. '.repeat(40)

/** The same protocols as somebody else wrote them down. */
describe.each(['openai', 'anthropic'] as const)('%s against a mock server of others', (type) => {
  let mock: LLMock
  let model: ModelUnderTest

  beforeAll(async () => {
    mock = new LLMock({ port: 0, logLevel: 'silent' })
    await mock.start()
  })
  afterAll(() => mock.stop())
  beforeEach(() => {
    model = openModel({ type, endpoint: mock.url, model: type === 'openai' ? 'gpt-4o' : 'claude' })
  })
  afterEach(async () => {
    await model.close()
    mock.reset()
  })

  const ask = (): ReturnType<typeof readReply> =>
    readReply(
      model.llm,
      toRequest({
        messages: [
          { role: 'user', content: 'earlier' },
          { role: 'assistant', content: 'then' },
          { role: 'user', content: 'hello there' },
        ],
      }),
    )

  it('streams a reply, and the mock saw all that it was told', async () => {
    mock.onMessage('hello there', { content: LONG }, { chunkSize: 7, latency: 2 })
    const outcome = await ask()
    expect(outcome).toMatchObject({ text: LONG, ended: true, error: undefined })
    // One for what came between two reads, not for each of the 260 events.
    expect(outcome.pieces.length).toBeGreaterThan(3)
    expect(outcome.usage?.totalTokens).toBeGreaterThan(0)
    expect(mock.getLastRequest()?.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'earlier' },
        { role: 'assistant', content: 'then' },
        { role: 'user', content: 'hello there' },
      ],
    })
  })

  it('says LLM_TRUNCATED when the mock cuts the stream', async () => {
    mock.onMessage(
      'hello there',
      { content: LONG },
      { chunkSize: 7, latency: 5, truncateAfterChunks: 5 },
    )
    const outcome = await ask()
    expect(outcome).toMatchObject({ ended: false, error: { code: 'LLM_TRUNCATED' } })
    expect(outcome.text).not.toBe('')
    expect(LONG.startsWith(outcome.text)).toBe(true)
  })

  it.each([
    [429, true],
    [500, true],
    [401, false],
  ])('takes its status %i as retryable: %s', async (status, retryable) => {
    mock.onMessage('hello there', { content: LONG })
    mock.nextRequestError(status, { message: 'no' })
    expect((await ask()).error).toMatchObject({ code: 'LLM_UNAVAILABLE', retryable })
    expect((await ask()).ended).toBe(true)
  })

  it.each([
    ['drops', { dropRate: 1 }],
    ['answers nonsense', { malformedRate: 1 }],
    ['limits the rate', { rateLimitRate: 1 }],
    ['hangs up', { disconnectRate: 1 }],
  ])('survives a mock that %s', async (_what, chaos) => {
    mock.onMessage('hello there', { content: LONG })
    mock.setChaos(chaos)
    const { ended, error } = await ask()
    expect(ended).toBe(false)
    expect(error).toMatchObject({ code: expect.stringMatching(/^LLM_/) })
    mock.clearChaos()
    expect((await ask()).ended).toBe(true)
  })
})
