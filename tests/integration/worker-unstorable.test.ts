import { override } from '../environment/override.ts'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Usage } from '@chatbox/contract'
import { AppError, type LlmChunk } from '@chatbox/core'
import { MODEL, openRig, scriptLlm, type Step, type WorkerRig } from './worker-rig.ts'

jest.setTimeout(30_000)

const MOST = Number.MAX_SAFE_INTEGER
const usage = (total: number): LlmChunk => ({
  type: 'usage',
  usage: { promptTokens: total, completionTokens: 0, totalTokens: total },
})
const unstorable = () => new AppError('INVALID_FORMAT', 'The field x cannot be stored as it is.')

describe('a reply that can never be stored as it is', () => {
  let rig: WorkerRig
  let sessionId: string

  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
  })
  afterEach(() => rig.close())

  const FAILED = 'ai failed INTERNAL: '

  it.each([
    ['a count past all integers', ['Hi', usage(2 ** 53)]],
    ['a count in parts', ['Hi', usage(1.5)]],
    ['a count past all numbers', ['Hi', usage(1e300)]],
  ] satisfies [string, Step[]][])('fails after one request: %s', async (_what, script) => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const llm = scriptLlm(script)
    const worker = rig.createWorker({ llm })
    expect(await worker.answer(question)).toBe('answered')
    await rig.settle(sessionId, worker)
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', FAILED])
    expect(llm.requests).toHaveLength(1)
  })

  it('fails where only the log refuses it', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const messages = override(rig.messages, {
      append: (entry) =>
        entry.message.status === 'complete'
          ? Promise.reject(unstorable())
          : rig.messages.append(entry),
    })
    const llm = scriptLlm(['Hi'])
    const worker = rig.createWorker({ llm, messages })
    expect(await worker.answer(question)).toBe('answered')
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', FAILED])
    expect(await rig.replies.findOpen(sessionId)).toBeUndefined()
    expect(llm.requests).toHaveLength(1)
  })

  it('does not end a conversation whose sums are full', async () => {
    await sayFor(MOST)
    const worker = rig.createWorker({ llm: scriptLlm(['Hi', usage(7)]) })
    for (const content of ['one', 'two'])
      await worker.answer((await rig.ask(sessionId, content)).question)
    expect((await rig.story(sessionId)).filter((line) => line === 'ai complete: Hi')).toHaveLength(
      2,
    )
    expect((await rig.sessions.find(sessionId))?.usage).toEqual({
      promptTokens: MOST,
      completionTokens: 0,
      totalTokens: MOST,
    })
  })

  /** Puts an answer into the log that cost this much. */
  async function sayFor(total: number): Promise<void> {
    const counted: Usage = { promptTokens: total, completionTokens: 0, totalTokens: total }
    await rig.messages.append({
      message: {
        id: rig.clock.newId(),
        sessionId,
        kind: 'text',
        sender: { type: 'ai', id: MODEL, name: 'Model One' },
        content: 'dear',
        attachments: [],
        status: 'complete',
        usage: counted,
        createdAt: rig.clock.now().toISOString(),
      },
    })
  }
})
