import { override } from '../environment/override.ts'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { AppError, LlmError, type LlmChunk } from '@chatbox/core'
import { createMortal, LONG_ENOUGH_TO_SPEAK } from './worker-mortal.ts'
import { createGate, openRig, scriptLlm, until, type WorkerRig } from './worker-rig.ts'

jest.setTimeout(30_000)

const forever = () => new Promise<never>(() => undefined)

describe('a stop', () => {
  let rig: WorkerRig
  let sessionId: string

  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
  })
  afterEach(() => rig.close())

  const reply = async () => (await rig.story(sessionId)).at(-1)

  it('of a question that waits ends it without asking the model', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    expect(await rig.replies.requestStop(sessionId, replyId)).toBe(true)
    const llm = scriptLlm(['never'])
    expect(await rig.createWorker({ llm }).answer(question)).toBe('answered')
    expect(await reply()).toBe('ai stopped: ')
    expect(llm.requests).toEqual([])
  })

  it('in the middle ends the request and keeps the text', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const gate = createGate()
    const llm = scriptLlm(['Half', gate.step, ' never'])
    const worker = rig.createWorker({ llm })
    const answering = worker.answer(question)
    await gate.reached
    await rig.replies.requestStop(sessionId, replyId)
    worker.context.running.stop(replyId)
    expect(await answering).toBe('answered')
    expect(llm.aborted).toBe(1)
    expect(await reply()).toBe('ai stopped: Half')
  })

  it('of a provider that does not heed the abort does not wait for it', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const asked = Promise.withResolvers<undefined>()
    const worker = rig.createWorker({
      llm: {
        async *streamReply() {
          yield { type: 'text', text: 'Deaf' }
          asked.resolve(undefined)
          await forever()
        },
      },
    })
    const answering = worker.answer(question)
    await asked.promise
    await rig.replies.requestStop(sessionId, replyId)
    const stoppedAt = Date.now()
    worker.context.running.stop(replyId)
    await answering
    expect(Date.now() - stoppedAt).toBeLessThan(1000)
    expect(await reply()).toBe('ai stopped: Deaf')
  })

  it('that the bus did not bring is found with the next renewal', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const llm = scriptLlm(['Half', forever])
    const answering = rig.createWorker({ llm, timing: { leaseMs: 600 } }).answer(question)
    await until('a request', () => llm.requests.length === 1)
    await rig.replies.requestStop(sessionId, replyId)
    expect(await answering).toBe('answered')
    expect(await reply()).toBe('ai stopped: Half')
  })

  it('between two attempts keeps what the first one showed', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const error = new LlmError('LLM_UNAVAILABLE', '503', { retryable: true, retryAfterMs: 900 })
    const llm = scriptLlm(['Shown', error], ['never'])
    const worker = rig.createWorker({ llm })
    const answering = worker.answer(question)
    await until('a draft', async () => (await rig.bus.readDraft(sessionId, replyId)) !== undefined)
    await rig.replies.requestStop(sessionId, replyId)
    worker.context.running.stop(replyId)
    await answering
    expect(await reply()).toBe('ai stopped: Shown')
    expect(llm.requests).toHaveLength(1)
  })

  describe('while the store does not answer between two attempts', () => {
    const away = new AppError('UNAVAILABLE', 'The store does not answer.')
    const failing = new LlmError('LLM_UNAVAILABLE', '503', { retryable: true })
    const replaced: LlmChunk = { type: 'replacement', text: 'Sorry.' }

    /** A worker that can begin no other attempt, once it has tried to. */
    async function beginAgain(script: Parameters<typeof scriptLlm>[0], timing = {}) {
      const { question, replyId } = await rig.ask(sessionId, 'Hello?')
      const { promise: tried, resolve: onTry } = Promise.withResolvers<undefined>()
      const raiseEpoch = async () => {
        onTry(undefined)
        throw away
      }
      const replies = override(rig.replies, { raiseEpoch })
      const worker = rig.createWorker({ llm: scriptLlm(script), replies, timing })
      const shutdown = new AbortController()
      const answering = worker.answer(question, shutdown.signal)
      await tried
      const endedAt = performance.now()
      return { worker, replyId, answering, shutdown, sinceMs: () => performance.now() - endedAt }
    }

    it.each<[string, Parameters<typeof scriptLlm>[0], string]>([
      ['after an attempt that failed', ['Shown', failing], 'ai stopped: Shown'],
      ['after an attempt without a word', [failing], 'ai stopped: '],
      ['after the text was taken back', ['Shown', replaced], 'ai stopped: '],
    ])('ends the reply at once, %s', async (_when, script, expected) => {
      const { worker, replyId, answering, sinceMs } = await beginAgain(script)
      await rig.replies.requestStop(sessionId, replyId)
      worker.context.running.stop(replyId)
      expect(await answering).toBe('answered')
      expect(await reply()).toBe(expected)
      expect(sinceMs()).toBeLessThan(1000)
    })

    it('is as good as the end of its time', async () => {
      const { answering, sinceMs } = await beginAgain(['Shown', failing], { replyTimeoutMs: 500 })
      expect(await answering).toBe('answered')
      expect(await reply()).toBe('ai incomplete LLM_UNAVAILABLE: Shown')
      expect(sinceMs()).toBeLessThan(1500)
    })

    it('lets a worker that is shut down hand over at once', async () => {
      const { answering, shutdown, sinceMs } = await beginAgain(['Shown', failing])
      shutdown.abort()
      await expect(answering).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      expect(sinceMs()).toBeLessThan(1000)
      expect(await rig.replies.findOpen(sessionId)).toMatchObject({ state: 'pending' })
    })
  })

  it('between the last word and the commit still counts', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const replies = override(rig.replies, {
      commit: async (claim, outcome) => {
        await rig.replies.requestStop(sessionId, replyId)
        return rig.replies.commit(claim, outcome)
      },
    })
    await rig.createWorker({ llm: scriptLlm(['Everything.']), replies }).answer(question)
    expect(await reply()).toBe('ai stopped: Everything.')
  })

  it('after the commit comes too late', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const replies = override(rig.replies, {
      findCommitted: async (key) => {
        expect(await rig.replies.requestStop(sessionId, replyId)).toBe(false)
        return rig.replies.findCommitted(key)
      },
    })
    await rig.createWorker({ llm: scriptLlm(['Everything.']), replies }).answer(question)
    expect(await reply()).toBe('ai complete: Everything.')
  })

  it('of a reply whose worker is dead keeps what that one had shown', async () => {
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    const victim = createMortal(rig)
    const gate = createGate()
    const dying = rig.createWorker({
      llm: scriptLlm(['Last words', gate.step]),
      ...victim.parts,
      timing: LONG_ENOUGH_TO_SPEAK,
    })
    void dying.answer(question)
    await gate.reached
    await until('a draft', async () => (await rig.bus.readDraft(sessionId, replyId)) !== undefined)
    victim.kill()
    await rig.replies.requestStop(sessionId, replyId)
    const llm = scriptLlm(['never'])
    await rig.settle(sessionId, rig.createWorker({ llm }))
    expect(await reply()).toBe('ai stopped: Last words')
    expect(llm.requests).toEqual([])
  })

  it('does not stop another reply', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const other = await rig.createSession()
    const { replyId } = await rig.ask(other, 'Hello?')
    const gate = createGate()
    const worker = rig.createWorker({ llm: scriptLlm(['All ', gate.step, 'of it.']) })
    const answering = worker.answer(question)
    await gate.reached
    worker.context.running.stop(replyId)
    gate.open()
    await answering
    expect(await reply()).toBe('ai complete: All of it.')
  })
})
