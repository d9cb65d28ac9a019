import { describe, expect, it } from '@jest/globals'
import type { LlmRequest, PromptMessage } from '@chatbox/core'
import { createDemoLlm } from './demo-llm.ts'

interface Shown {
  pieces: string[]
  pauses: number[]
  ended: boolean
}

async function ask(question: string, request: Partial<LlmRequest> = {}): Promise<Shown> {
  const shown: Shown = { pieces: [], pauses: [], ended: false }
  const llm = createDemoLlm((ms) => {
    shown.pauses.push(ms)
    return Promise.resolve()
  })
  const messages: PromptMessage[] = [{ role: 'user', content: question }]
  const asked = {
    sessionId: 's',
    userId: 'u',
    requestId: 'r',
    system: '',
    conversationRef: undefined,
  }
  const stream = llm.streamReply({ ...asked, messages, ...request }, new AbortController().signal)
  try {
    for await (const chunk of stream) {
      if (chunk.type === 'text') shown.pieces.push(chunk.text)
      if (chunk.type === 'end') shown.ended = true
    }
  } catch (error) {
    throw Object.assign(error instanceof Error ? error : new Error('unknown'), { shown })
  }
  return shown
}

describe('the demo', () => {
  it('says what it is, repeats the question and shows every kind of markdown', async () => {
    const { pieces, ended } = await ask('What is `this` <b>?')
    const text = pieces.join('')
    expect(ended).toBe(true)
    expect(text).toContain('This is the demo model')
    expect(text).toContain("`What is 'this' <b>?`")
    expect(text).toContain('LLM_PROVIDER_1_TYPE=openai')
    for (const mark of [/^## /m, /^- /m, /^\| --- /m, /^```sh$/m, /\]\(https:/, /\*\*/]) {
      expect(text).toMatch(mark)
    }
  })

  it('shows its first word after 200 ms and takes some seconds', async () => {
    const { pauses, pieces } = await ask('Hello')
    expect(pauses[0]).toBe(200)
    expect(pieces.length).toBeGreaterThan(80)
    const totalMs = pauses.reduce((sum, ms) => sum + ms, 0)
    expect(totalMs).toBeGreaterThan(1500)
    expect(totalMs).toBeLessThan(8000)
  })

  it('is the same for the same question in the same session, and only then', async () => {
    const first = await ask('Hello')
    expect(await ask('Hello')).toEqual(first)
    expect((await ask('Hello', { sessionId: 'other' })).pauses).not.toEqual(first.pauses)
    expect((await ask('Hello you')).pauses).not.toEqual(first.pauses)
  })

  it('shows that it got the whole conversation', async () => {
    const messages: PromptMessage[] = [
      { role: 'user', content: 'one' },
      { role: 'assistant', content: '1' },
      { role: 'user', content: 'two' },
    ]
    expect((await ask('', { messages })).pieces.join('')).toContain('question 2 of this')
  })

  it('shortens a long question without cutting a character', async () => {
    const text = (await ask('🎉'.repeat(500))).pieces.join('')
    expect(text.isWellFormed()).toBe(true)
    expect(text.match(/🎉/gu)).toHaveLength(200)
  })

  it('writes more when it is asked for a long answer', async () => {
    const [short, long] = [await ask('Tell me'), await ask('A LONG one, please')]
    expect(long.pieces.length).toBeGreaterThan(short.pieces.length * 2)
    expect((await ask('belongings')).pieces.length).toBe(short.pieces.length - 1)
  })

  it('fails and breaks off when told to, and only then', async () => {
    await expect(ask(' Fail ')).rejects.toMatchObject({
      code: 'LLM_UNAVAILABLE',
      retryable: true,
      shown: { pieces: [] },
    })
    await expect(ask('cut')).rejects.toMatchObject({
      code: 'LLM_TRUNCATED',
      shown: { ended: false, pieces: expect.arrayContaining(['demo ']) },
    })
    expect((await ask('Why did my login fail?')).ended).toBe(true)
  })

  it('keeps its pace by itself, and leaves off when told', async () => {
    const request = {
      sessionId: 's',
      userId: 'u',
      requestId: 'r',
      system: '',
      conversationRef: undefined,
      messages: [{ role: 'user' as const, content: 'Hello' }],
    }
    const controller = new AbortController()
    const stream = createDemoLlm().streamReply(request, controller.signal)[Symbol.asyncIterator]()
    const startedAt = performance.now()
    await stream.next()
    expect(performance.now() - startedAt).toBeGreaterThan(150)
    const next = stream.next()
    controller.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })
})
