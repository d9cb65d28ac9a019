import { describe, expect, it } from '@jest/globals'
import { LlmError, type Llm, type LlmChunk, type LlmRequest } from '@chatbox/core'
import { withCircuitBreaker } from './circuit-breaker.ts'

const OPEN_MS = 40
const REQUEST: LlmRequest = {
  sessionId: 's',
  userId: 'u',
  requestId: 'r',
  system: '',
  messages: [{ role: 'user', content: 'x' }],
  conversationRef: undefined,
}

type Turn = () => AsyncIterable<LlmChunk>

const failing = (retryable: boolean): Turn =>
  // eslint-disable-next-line require-yield -- it fails before its first chunk
  async function* () {
    throw new LlmError('LLM_UNAVAILABLE', 'down', { retryable })
  }
const good: Turn = async function* () {
  yield { type: 'text', text: 'hi' }
  yield { type: 'end' }
}

/** Known before the model behind it is asked, as with Dify. */
const CONVERSATION: LlmChunk = { type: 'conversation', ref: 'c' }
const failingAfter = (...chunks: LlmChunk[]): Turn =>
  async function* () {
    yield* chunks
    yield* failing(true)()
  }

function setUp(): {
  llm: Llm
  asked: () => number
  states: boolean[]
  answer: (turn: Turn) => void
} {
  let turn = good
  let asked = 0
  const states: boolean[] = []
  const inner: Llm = {
    streamReply: () => {
      asked++
      return turn()
    },
  }
  const llm = withCircuitBreaker(inner, { openMs: OPEN_MS, onOpen: (open) => states.push(open) })
  return { llm, asked: () => asked, states, answer: (next) => (turn = next) }
}

async function ask(llm: Llm): Promise<unknown> {
  try {
    for await (const chunk of llm.streamReply(REQUEST, new AbortController().signal)) {
      if (chunk.type === 'end') return 'ended'
    }
    return 'no end'
  } catch (error) {
    return error
  }
}

async function askTimes(llm: Llm, times: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) await ask(llm)
}

async function untilProbe(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, OPEN_MS + 5))
}

describe('the circuit breaker of a provider', () => {
  it('opens at the fifth failure in a row and then fails at once', async () => {
    const { llm, asked, states, answer } = setUp()
    answer(failing(true))
    await askTimes(llm, 4)
    expect(states).toEqual([])
    await ask(llm)
    expect(states).toEqual([true])
    const error = await ask(llm)
    expect(error).toMatchObject({ code: 'LLM_UNAVAILABLE', retryable: true })
    expect((error as LlmError).retryAfterMs).toBeLessThanOrEqual(OPEN_MS)
    expect((error as LlmError).retryAfterMs).toBeGreaterThan(0)
    expect(asked()).toBe(5)
  })

  it('counts from nothing after a reply, read to its end chunk or not', async () => {
    const { llm, states, answer } = setUp()
    for (let round = 0; round < 3; round++) {
      answer(failing(true))
      await askTimes(llm, 4)
      answer(good)
      await ask(llm)
    }
    expect(states).toEqual([])
  })

  it('counts what fails before its first text, whatever came before', async () => {
    const { llm, states, answer } = setUp()
    answer(failingAfter(CONVERSATION))
    await askTimes(llm, 5)
    expect(states).toEqual([true])
  })

  it('does not count what breaks after its first text', async () => {
    const { llm, states, answer } = setUp()
    answer(failing(true))
    await askTimes(llm, 4)
    answer(failingAfter({ type: 'text', text: 'hi' }))
    expect(await ask(llm)).toMatchObject({ code: 'LLM_UNAVAILABLE' })
    await askTimes(llm, 10)
    answer(failing(true))
    await askTimes(llm, 4)
    expect(states).toEqual([])
  })

  it('passes on every chunk, in order', async () => {
    const { llm, answer } = setUp()
    const chunks: LlmChunk[] = [
      CONVERSATION,
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
      { type: 'end' },
    ]
    answer(async function* () {
      yield* chunks
    })
    const read: LlmChunk[] = []
    for await (const chunk of llm.streamReply(REQUEST, new AbortController().signal)) {
      read.push(chunk)
    }
    expect(read).toEqual(chunks)
  })

  it('does not count refusals and readers that leave', async () => {
    const { llm, states, answer } = setUp()
    answer(failing(false))
    await askTimes(llm, 10)
    answer(good)
    for (let turn = 0; turn < 10; turn++) {
      for await (const chunk of llm.streamReply(REQUEST, new AbortController().signal)) {
        if (chunk.type === 'text') break
      }
    }
    expect(states).toEqual([])
  })

  it('lets one call through after a while, and refuses its neighbours at once', async () => {
    const { llm, asked, states, answer } = setUp()
    answer(failing(true))
    await askTimes(llm, 5)
    await untilProbe()
    const gate = Promise.withResolvers<undefined>()
    answer(async function* () {
      await gate.promise
      yield { type: 'text', text: 'back' }
      yield { type: 'end' }
    })
    const probe = ask(llm)
    expect(await ask(llm)).toMatchObject({ code: 'LLM_UNAVAILABLE' })
    expect(asked()).toBe(6)
    gate.resolve(undefined)
    expect(await probe).toBe('ended')
    expect(states).toEqual([true, false])
    answer(good)
    expect(await ask(llm)).toBe('ended')
  })

  it('closes at the first text, not only at the end of a long reply', async () => {
    const { llm, states, answer } = setUp()
    answer(failing(true))
    await askTimes(llm, 5)
    await untilProbe()
    answer(good)
    const stream = llm.streamReply(REQUEST, new AbortController().signal)[Symbol.asyncIterator]()
    await stream.next()
    await Promise.resolve()
    answer(good)
    expect(await ask(llm)).toBe('ended')
    expect(states).toEqual([true, false])
  })

  it.each([
    ['fails', failing(true)],
    [
      'is given up',
      // eslint-disable-next-line require-yield -- aborted before its first chunk
      async function* () {
        throw new Error('aborted by the user')
      } as Turn,
    ],
  ])('stays open when the one call %s', async (_what, turn) => {
    const { llm, asked, answer } = setUp()
    answer(failing(true))
    await askTimes(llm, 5)
    await untilProbe()
    answer(turn)
    await ask(llm)
    answer(good)
    expect(await ask(llm)).toMatchObject({ code: 'LLM_UNAVAILABLE' })
    expect(asked()).toBe(6)
  })
})
