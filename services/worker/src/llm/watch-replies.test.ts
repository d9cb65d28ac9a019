import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import type { Llm, LlmChunk, LlmRequest } from '@chatbox/core'
import { watchReplies } from './watch-replies.ts'

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
const FAULT = new Error('broken')

function open(fails: boolean) {
  const told: unknown[] = []
  const counted = Promise.withResolvers<undefined>()
  let hasLeft = false
  const inner: Llm = {
    async *streamReply() {
      try {
        yield* CHUNKS
        if (fails) throw FAULT
      } finally {
        hasLeft = true
      }
    },
  }
  const llm = watchReplies(inner, () => ({
    onChunk: (chunk) => void told.push(chunk),
    onEnd(thrown) {
      told.push(['end', thrown])
      return counted.promise.then(() => undefined)
    },
  }))
  const stream = () => llm.streamReply(REQUEST, new AbortController().signal)
  return { stream, told, count: () => counted.resolve(undefined), hasLeft: () => hasLeft }
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

describe('a watched reply', () => {
  it.each([
    { how: 'ends', read: CHUNKS, thrown: undefined },
    { how: 'fails', read: FAULT, thrown: FAULT },
  ])('passes on what comes and how it $how, once it was counted', async ({ read, thrown }) => {
    const { stream, told, count } = open(thrown !== undefined)
    let hasSettled = false
    const reading = readAll(stream()).finally(() => (hasSettled = true))
    await nextTurn()
    expect(told).toEqual([...CHUNKS, ['end', thrown]])
    expect(hasSettled).toBe(false)
    count()
    expect(await reading).toEqual(read)
    expect(told).toHaveLength(3)
  })

  it('is let go of when its reader leaves, and has ended then', async () => {
    const { stream, told, count, hasLeft } = open(false)
    count()
    for await (const chunk of stream()) if (chunk.type === 'text') break
    expect(told).toEqual([CHUNKS[0], ['end', undefined]])
    expect(hasLeft()).toBe(true)
  })

  it('is not even asked for where its watcher refuses', async () => {
    let asked = 0
    const inner: Llm = {
      async *streamReply() {
        asked += 1
        yield* CHUNKS
      },
    }
    const refusing = watchReplies(inner, () => {
      throw FAULT
    })
    expect(await readAll(refusing.streamReply(REQUEST, new AbortController().signal))).toBe(FAULT)
    expect(asked).toBe(0)
  })
})
