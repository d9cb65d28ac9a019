import { describe, expect, it } from '@jest/globals'
import { LlmError, type Llm, type LlmChunk, type LlmRequest } from '@chatbox/core'
import { withMetrics } from './with-metrics.ts'

const REQUEST: LlmRequest = {
  sessionId: 's',
  userId: 'u',
  requestId: 'r',
  system: '',
  messages: [{ role: 'user', content: 'x' }],
  conversationRef: undefined,
}
const CHUNKS: LlmChunk[] = [
  { type: 'text', text: 'a' },
  { type: 'text', text: 'b' },
]
const USAGE = { promptTokens: 9, completionTokens: 2, totalTokens: 11 }
const WHOLE: LlmChunk[] = [...CHUNKS, { type: 'usage', usage: USAGE }, { type: 'end' }]
const DOWN = new LlmError('LLM_UNAVAILABLE', 'down', { retryable: true })

function open(chunks: LlmChunk[], fault?: Error) {
  const counted: string[] = []
  let hasLeft = false
  const inner: Llm = {
    async *streamReply() {
      try {
        yield* chunks
        if (fault) throw fault
      } finally {
        hasLeft = true
      }
    },
  }
  const metrics = { providerCalled: (_id: string, outcome: string) => void counted.push(outcome) }
  const llm = withMetrics(inner, 'm', metrics)
  const abort = new AbortController()
  const stream = () => llm.streamReply(REQUEST, abort.signal)
  return { stream, abort, counted, hasLeft: () => hasLeft }
}

async function readAll(stream: AsyncIterable<LlmChunk>): Promise<unknown> {
  const read: LlmChunk[] = []
  try {
    for await (const chunk of stream) read.push(chunk)
    return read
  } catch (error) {
    return error
  }
}

describe('a counted reply', () => {
  it.each([
    { how: 'whole', chunks: WHOLE, outcome: 'ok' },
    { how: 'down', chunks: CHUNKS, fault: DOWN, outcome: 'unavailable' },
    { how: 'broken', chunks: CHUNKS, fault: new Error('broken'), outcome: 'broken' },
  ])('passes on what comes and is counted once: $how', async ({ chunks, fault, outcome }) => {
    const { stream, counted } = open(chunks, fault)
    expect(await readAll(stream())).toEqual(fault ?? chunks)
    expect(counted).toEqual([outcome])
  })

  it('has an estimate of its tokens where the provider counted none', async () => {
    const none = { promptTokens: 0, completionTokens: 0, totalTokens: 0 }
    const { stream } = open([...CHUNKS, { type: 'usage', usage: none }, { type: 'end' }])
    const estimate = { promptTokens: 1, completionTokens: 2, totalTokens: 3 }
    expect((await readAll(stream())) as LlmChunk[]).toContainEqual({
      type: 'usage',
      usage: estimate,
    })
  })

  it('is let go of when its reader leaves, and counted then', async () => {
    const { stream, counted, hasLeft } = open(CHUNKS)
    for await (const chunk of stream()) if (chunk.type === 'text') break
    expect(counted).toEqual(['aborted'])
    expect(hasLeft()).toBe(true)
  })

  it('takes what breaks of an abort for one', async () => {
    const { stream, abort, counted } = open(CHUNKS, DOWN)
    abort.abort()
    expect(await readAll(stream())).toBe(DOWN)
    expect(counted).toEqual(['aborted'])
  })
})
