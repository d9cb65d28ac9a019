import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { LlmChunk } from '@chatbox/core'
import { createGate, openRig, scriptLlm, textOf, until, type WorkerRig } from './worker-rig.ts'

jest.setTimeout(30_000)

const replacement = (text: string): LlmChunk => ({ type: 'replacement', text })

describe('a text that the provider takes back', () => {
  let rig: WorkerRig
  let sessionId: string

  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
  })
  afterEach(() => rig.close())

  it('is neither stored nor shown, and the next question does not repeat it', async () => {
    const events = await rig.listen(sessionId)
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const shown = createGate()
    const replaced = createGate()
    const script = ['secret', shown.step, replacement('Sorry.'), replaced.step, ' Ask again.']
    const llm = scriptLlm(script, ['Hi.'])
    const worker = rig.createWorker({ llm })
    const answering = worker.answer(question)
    await shown.reached
    await until('the text', () => textOf(events, 1) === 'secret')
    shown.open()
    await replaced.reached
    await until('the new text', () => textOf(events, 2) === 'Sorry.')
    expect(await rig.bus.readDraft(sessionId, replyId)).toMatchObject({
      attempt: 2,
      text: 'Sorry.',
    })
    replaced.open()
    expect(await answering).toBe('answered')
    expect(llm.requests).toHaveLength(1)
    await worker.answer((await rig.ask(sessionId, 'Again?')).question)
    expect(await rig.story(sessionId)).toEqual([
      'user: Hello?',
      'ai complete: Sorry. Ask again.',
      'user: Again?',
      'ai complete: Hi.',
    ])
    expect(JSON.stringify(llm.requests)).not.toContain('secret')
  })

  it('is not what is left when the reply is stopped before the new text', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const gate = createGate()
    const llm = scriptLlm(['secret', replacement(''), gate.step])
    const worker = rig.createWorker({ llm, timing: { leaseMs: 90 } })
    const answering = worker.answer(question)
    await gate.reached
    expect(await rig.bus.readDraft(sessionId, replyId)).toBeUndefined()
    await rig.replies.requestStop(sessionId, replyId)
    expect(await answering).toBe('answered')
    expect((await rig.story(sessionId))[1]).toBe('ai stopped: ')
  })

  it('goes nowhere when another worker has taken the question over', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const gate = createGate()
    const llm = scriptLlm(['secret', gate.step, replacement('Sorry.')])
    const answering = rig.createWorker({ llm }).answer(question)
    await gate.reached
    await rig.replies.cancel(sessionId, 'all')
    gate.open()
    expect(await answering).toBe('lost')
    expect(await rig.story(sessionId)).toEqual(['user: Hello?'])
  })

  it('that is only continued costs no second attempt', async () => {
    const events = await rig.listen(sessionId)
    const { question } = await rig.ask(sessionId, 'Hello?')
    await rig.createWorker({ llm: scriptLlm(['He', replacement('Hello')]) }).answer(question)
    await until('all events', () => events.at(-1)?.event === 'session:updated')
    expect(textOf(events, 1)).toBe('Hello')
    expect((await rig.story(sessionId))[1]).toBe('ai complete: Hello')
  })

  it('is bounded in how often it is replaced', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const often = Array.from({ length: 100 }, (_, index) => replacement(`${index}.`))
    await rig.createWorker({ llm: scriptLlm(['secret', ...often]) }).answer(question)
    expect((await rig.story(sessionId))[1]).toBe('ai incomplete LLM_TRUNCATED: 4.')
  })
})
