import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { LlmError, type Llm, type LlmRequest } from '@chatbox/core'
import { heedLimit, ProviderLimit } from './provider-limit.ts'

const NEVER = new AbortController().signal
const REFUSED = new LlmError('LLM_UNAVAILABLE', 'status 429', {
  ...{ retryable: true, isLimit: true, retryAfterMs: 2000 },
})

/** A provider that writes at most `room` replies at once, and refuses further questions. */
function setUp({ maxWaiting = 1000 } = {}) {
  const pauses: number[] = []
  const provider = { room: Infinity, refusal: REFUSED, running: 0, refusals: 0, takesMs: 1000 }
  const asked: { name: string; at: number }[] = []
  const llm: Llm = {
    async *streamReply({ requestId }) {
      asked.push({ name: requestId, at: Date.now() })
      if (provider.running >= provider.room) {
        provider.refusals++
        throw provider.refusal
      }
      provider.running++
      yield { type: 'text', text: 'hi' }
      await new Promise((resolve) => setTimeout(resolve, provider.takesMs))
      provider.running--
      yield { type: 'end' }
    },
  }
  const options = { maxWaiting, onPause: (ms: number) => pauses.push(ms), random: () => 1 }
  const heeding = heedLimit(llm, new ProviderLimit(options))
  /** Asks a question, whose name begins with its lane: `a-3`. */
  async function ask(name: string, signal = NEVER): Promise<string> {
    try {
      const [lane] = name.split('-')
      const request = { requestId: name, lane } as LlmRequest
      for await (const { type } of heeding.streamReply(request, signal)) {
        if (type === 'end') return `${name} answered`
      }
      return 'cut'
    } catch (error) {
      return error instanceof LlmError ? error.detail : String(error)
    }
  }
  return { provider, pauses, asked, ask }
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

describe('ProviderLimit', () => {
  it('lets everything through without a refusal', async () => {
    const { ask, asked } = setUp()
    const answers = Promise.all(Array.from({ length: 300 }, (_, index) => ask(`q${index}`)))
    await pass(0)
    expect(asked).toHaveLength(300)
    await pass(1000)
    expect(new Set(await answers).size).toBe(300)
    expect(jest.getTimerCount()).toBe(0)
  })

  it('asks nothing until the time that the provider gave is over', async () => {
    const { ask, provider, asked, pauses } = setUp()
    provider.room = 0
    const first = ask('first')
    await pass(0)
    const second = ask('second')
    provider.room = Infinity
    await pass(1999)
    expect(asked).toHaveLength(1)
    await pass(3000)
    expect(await Promise.all([first, second])).toEqual(['first answered', 'second answered'])
    expect(pauses).toEqual([2000])
  })

  it('keeps the order in which questions came, also of those that were refused', async () => {
    const { ask, provider, asked } = setUp()
    provider.room = 0
    const answers = ['a', 'b', 'c'].map((name) => ask(name))
    await pass(0)
    answers.push(ask('d'))
    provider.room = Infinity
    await pass(10_000)
    await Promise.all(answers)
    expect(asked.slice(3).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('serves lanes in turns, however long the line of one is', async () => {
    const { ask, provider, asked } = setUp()
    provider.room = 0
    const answers = Array.from({ length: 72 }, (_, index) => ask(`crowd-${index}`))
    await pass(10)
    answers.push(ask('another-0'), ask('another-1'), ask('third-0'))
    const before = asked.length
    provider.room = 2
    await pass(120_000)
    expect(new Set(await Promise.all(answers)).size).toBe(75)
    const order = asked.slice(before).map(({ name }) => name)
    expect(order.slice(0, 3)).toEqual(['crowd-0', 'another-0', 'third-0'])
    const first = (name: string) => order.indexOf(name)
    expect(first('another-1')).toBeLessThan(first('crowd-2'))
  })

  it('keeps the turn of a question that is refused again', async () => {
    const { ask, provider, asked } = setUp()
    provider.room = 0
    const answers = ['crowd-0', 'crowd-1', 'crowd-2'].map((name) => ask(name))
    await pass(10)
    answers.push(ask('another-0'))
    await pass(5000)
    provider.room = 1
    provider.takesMs = 10_000
    const before = asked.length
    await pass(60_000)
    await Promise.all(answers)
    expect(asked.slice(before).map(({ name }) => name)).toContain('another-0')
    const accepted = [...new Set(asked.slice(before).map(({ name }) => name))]
    expect(accepted).toEqual(['crowd-0', 'another-0', 'crowd-1', 'crowd-2'])
  })

  it('gives a place to a lane that has none, at the cost of the one with most', async () => {
    const { ask, provider } = setUp({ maxWaiting: 3 })
    provider.room = 0
    const crowd = ['crowd-0', 'crowd-1', 'crowd-2'].map((name) => ask(name))
    await pass(10)
    const another = ask('another-0')
    await pass(0)
    expect(await crowd[2]).toContain('status 429')
    expect(await ask('crowd-3')).toContain('too many wait')
    provider.room = Infinity
    await pass(20_000)
    expect(await Promise.all([...crowd.slice(0, 2), another])).toEqual([
      'crowd-0 answered',
      'crowd-1 answered',
      'another-0 answered',
    ])
  })

  it('answers every question of a rush at a provider with little room, with few refusals', async () => {
    const { ask, provider } = setUp()
    provider.room = 10
    const answers = Array.from({ length: 50 }, (_, index) => ask(`q${index}`))
    await pass(60_000)
    const seen = await Promise.all(answers)
    expect(seen.filter((answer) => answer.endsWith('answered'))).toHaveLength(50)
    // The first 40 at once, and at most 8 at each end of a pause.
    expect(provider.refusals).toBeLessThan(40 + 8 * 8)
    expect(jest.getTimerCount()).toBe(0)
  })

  it('waits longer each time for a provider that gives no time', async () => {
    const { ask, provider, pauses } = setUp()
    provider.room = 0
    provider.refusal = new LlmError('LLM_UNAVAILABLE', '429', { retryable: true, isLimit: true })
    const answer = ask('only')
    await pass(6500)
    expect(pauses).toEqual([1000, 2000, 4000])
    provider.room = 1
    await pass(6000)
    expect(await answer).toBe('only answered')
  })

  it('does not hammer a provider that says "at once"', async () => {
    const { ask, provider, asked } = setUp()
    provider.room = 0
    provider.refusal = new LlmError('LLM_UNAVAILABLE', '429', {
      ...{ retryable: true, isLimit: true, retryAfterMs: 0 },
    })
    const stop = new AbortController()
    const answer = ask('only', stop.signal)
    await pass(2000)
    expect(asked.length).toBeLessThanOrEqual(5)
    stop.abort(new Error('stopped'))
    expect(await answer).toBe('Error: stopped')
  })

  it('lets a waiting question go when it is stopped', async () => {
    const { ask, provider, asked } = setUp()
    provider.room = 0
    const stop = new AbortController()
    const answer = ask('first', stop.signal)
    await pass(100)
    stop.abort(new Error('stopped'))
    expect(await answer).toBe('Error: stopped')
    await pass(5000)
    expect(asked).toHaveLength(1)
    expect(jest.getTimerCount()).toBe(0)
  })

  it('fails at once beyond the number that may wait', async () => {
    const { ask, provider } = setUp({ maxWaiting: 2 })
    provider.room = 0
    const waiting = [ask('a'), ask('b')]
    await pass(10)
    expect(await ask('c')).toContain('too many wait')
    provider.room = Infinity
    await pass(10_000)
    expect(await Promise.all(waiting)).toEqual(['a answered', 'b answered'])
  })

  it('passes on what is no limit, and what comes after text', async () => {
    const { ask, provider, pauses } = setUp()
    provider.room = 0
    provider.refusal = new LlmError('LLM_UNAVAILABLE', 'status 500', { retryable: true })
    expect(await ask('a')).toBe('status 500')
    expect(pauses).toEqual([])
  })
})
