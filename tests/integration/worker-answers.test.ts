import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { LlmError } from '@chatbox/core'
import { heedLimit, ProviderLimit } from '../../services/worker/src/models/provider-limit.ts'
import {
  createGate,
  CUT,
  MODEL,
  openRig,
  scriptLlm,
  textOf,
  until,
  type WorkerRig,
} from './worker-rig.ts'

jest.setTimeout(30_000)

const unavailable = (retryAfterMs?: number) =>
  new LlmError('LLM_UNAVAILABLE', 'HTTP 503', {
    retryable: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
const refused = () => new LlmError('LLM_UNAVAILABLE', 'HTTP 401', { retryable: false })
const USAGE = { promptTokens: 12, completionTokens: 3, totalTokens: 15 }

describe('answering', () => {
  let rig: WorkerRig
  let sessionId: string

  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
  })
  afterEach(() => rig.close())

  describe('a question', () => {
    it('streams the reply, puts it into the log once, and tells everybody in order', async () => {
      const events = await rig.listen(sessionId)
      const { question, replyId } = await rig.ask(sessionId, 'Hello?')
      const llm = scriptLlm(['Hel', 'lo', { type: 'usage', usage: USAGE }])
      const worker = rig.createWorker({ llm })

      expect(await worker.answer(question)).toBe('answered')

      await until('all events', () => events.at(-1)?.event === 'session:updated')
      expect(events[0]).toEqual({
        event: 'reply:start',
        payload: { sessionId, replyId, replyTo: question.id, modelId: MODEL, attempt: 1 },
      })
      expect(textOf(events, 1)).toBe('Hello')
      const [entry, updated] = events.slice(-2)
      const message = (await rig.log(sessionId))[1]
      expect(entry).toEqual({ event: 'message:new', payload: { message } })
      expect(message).toMatchObject({
        id: replyId,
        seq: 2,
        replyTo: question.id,
        sender: { type: 'ai', id: MODEL, name: 'Model One' },
        content: 'Hello',
        status: 'complete',
        modelId: MODEL,
        usage: USAGE,
      })
      const session = await rig.sessions.find(sessionId)
      expect(updated).toEqual({ event: 'session:updated', payload: { session } })
      expect(session?.usage).toEqual(USAGE)
      expect(await rig.replies.findOpen(sessionId)).toBeUndefined()
      expect(await rig.bus.readDraft(sessionId, replyId)).toBeUndefined()
      expect(llm.requests).toEqual([
        {
          sessionId,
          userId: sessionId,
          requestId: 'req-1',
          system: 'Be kind.',
          messages: [{ role: 'user', content: 'Hello?' }],
          conversationRef: undefined,
          work: { isSent: true, hiddenTokens: 0 },
        },
      ])
      expect(await worker.counted('chatbox_replies_total')).toBe(1)
      expect(await worker.counted('chatbox_tokens_total')).toBe(15)
      expect(await worker.counted('chatbox_deltas_published_total')).toBeGreaterThan(0)
    })

    it('keeps the name that the provider gave to the session', async () => {
      const llm = scriptLlm([{ type: 'conversation', ref: 'c-7' }, 'One.'], ['Two.'])
      const worker = rig.createWorker({ llm })
      await worker.answer((await rig.ask(sessionId, 'a')).question)
      await worker.answer((await rig.ask(sessionId, 'b')).question)
      expect(llm.requests.map(({ conversationRef }) => conversationRef)).toEqual([undefined, 'c-7'])
      expect(llm.requests[1]?.messages.map(({ content }) => content)).toEqual(['a', 'One.', 'b'])
    })

    it('is answered in its turn, and the next one is asked for', async () => {
      const worker = rig.createWorker({ llm: scriptLlm(['1'], ['2'], ['3']) })
      for (const content of ['first', 'second', 'third']) {
        await rig.ask(sessionId, content, { lane: `lane-${content}` })
      }
      for (const jobs of [1, 2, 2]) {
        expect(await worker.answer({ sessionId })).toBe('answered')
        expect(rig.jobs).toHaveLength(jobs)
      }
      expect(await rig.story(sessionId)).toEqual([
        'user: first',
        'user: second',
        'user: third',
        'ai complete: 1',
        'ai complete: 2',
        'ai complete: 3',
      ])
      expect(new Set(rig.jobs.map((job) => job.sessionId))).toEqual(new Set([sessionId]))
      expect(rig.jobs.map(({ lane }) => lane)).toEqual(['lane-second', 'lane-third'])
      expect(await worker.answer({ sessionId })).toBe('nothing-open')
    })

    it('of a session that has ended, or that a person has taken over, is not asked', async () => {
      const llm = scriptLlm(['never'])
      const { question } = await rig.ask(sessionId, 'Hello?')
      await rig.messages.append({
        message: {
          id: rig.clock.newId(),
          sessionId,
          kind: 'event',
          sender: { type: 'admin', id: 'eve', name: 'Eve' },
          content: '',
          attachments: [],
          status: 'complete',
          event: { type: 'takeover_started', by: { id: 'eve', name: 'Eve' } },
          createdAt: rig.clock.now().toISOString(),
        },
      })
      expect(await rig.createWorker({ llm }).answer(question)).toBe('cancelled')
      expect(llm.requests).toEqual([])
      expect(await rig.replies.findOpen(sessionId)).toBeUndefined()
    })

    it('gets no word of the model once a person has taken over in the middle', async () => {
      const gate = createGate()
      const { question } = await rig.ask(sessionId, 'Hello?')
      const answering = rig.createWorker({ llm: scriptLlm(['a', gate.step, 'b']) }).answer(question)
      await gate.reached
      await rig.messages.append({
        message: {
          id: rig.clock.newId(),
          sessionId,
          kind: 'event',
          sender: { type: 'admin', id: 'eve', name: 'Eve' },
          content: '',
          attachments: [],
          status: 'complete',
          event: { type: 'takeover_started', by: { id: 'eve', name: 'Eve' } },
          createdAt: rig.clock.now().toISOString(),
        },
      })
      gate.open()
      expect(await answering).toBe('answered')
      expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'takeover_started'])
      expect(await rig.replies.findOpen(sessionId)).toBeUndefined()
    })

    it('to a model that is gone fails in words that help', async () => {
      const gone = await rig.createSession({ modelId: 'gone' })
      const { question } = await rig.ask(gone, 'Hello?')
      await rig.createWorker({ llm: scriptLlm(['never']) }).answer(question)
      expect((await rig.log(gone))[1]).toMatchObject({
        status: 'failed',
        content: '',
        error: {
          code: 'LLM_UNAVAILABLE',
          message: 'The chosen model is not available any more.',
          retryable: false,
          requestId: 'req-1',
        },
      })
    })

    it('that does not fit the model fails in words that help', async () => {
      const { question } = await rig.ask(sessionId, '长'.repeat(9000))
      await rig.createWorker({ llm: scriptLlm(['never']) }).answer(question)
      expect((await rig.log(sessionId))[1]).toMatchObject({
        status: 'failed',
        error: {
          code: 'LLM_TOO_LONG',
          message: 'This message is too long for the model. Write a shorter one.',
          retryable: false,
        },
      })
    })
  })

  describe('a failing provider', () => {
    const answer = async (...scripts: Parameters<typeof scriptLlm>) => {
      const events = await rig.listen(sessionId)
      const { question } = await rig.ask(sessionId, 'Hello?')
      const llm = scriptLlm(...scripts)
      const worker = rig.createWorker({ llm })
      await worker.answer(question)
      await until('all events', () => events.at(-1)?.event === 'session:updated')
      return { story: (await rig.story(sessionId))[1], llm, events, worker }
    }

    it('is asked again, and the new attempt replaces what was shown', async () => {
      const { story, llm, events } = await answer(['Half an', unavailable()], ['Whole'])
      expect(story).toBe('ai complete: Whole')
      expect(llm.requests).toHaveLength(2)
      expect(textOf(events, 1)).toBe('Half an')
      expect(textOf(events, 2)).toBe('Whole')
      const starts = events.flatMap(({ event, payload }) =>
        event === 'reply:start' ? [payload.attempt] : [],
      )
      expect(starts).toEqual([1, 2])
    })

    it('costs what all attempts cost', async () => {
      const usage = { promptTokens: 7, completionTokens: 2, totalTokens: 9 }
      const counted = { type: 'usage', usage } as const
      await answer(['Half an', counted, unavailable()], ['Whole', counted])
      const [, reply] = await rig.log(sessionId)
      expect(reply?.usage).toEqual({ promptTokens: 14, completionTokens: 4, totalTokens: 18 })
    })

    it('ends in a failed reply after the third try', async () => {
      const { story, llm } = await answer([unavailable()])
      expect(story).toBe('ai failed LLM_UNAVAILABLE: ')
      expect(llm.requests).toHaveLength(3)
    })

    it('leaves the text that was shown, as incomplete', async () => {
      const { story } = await answer(['Something', unavailable()], [unavailable()])
      expect(story).toBe('ai incomplete LLM_UNAVAILABLE: Something')
    })

    it('is asked only once when it says no', async () => {
      const { story, llm } = await answer([refused()])
      expect(story).toBe('ai failed LLM_UNAVAILABLE: ')
      expect(llm.requests).toHaveLength(1)
    })

    it('that cuts a reply off makes it incomplete, never complete', async () => {
      const { story, llm } = await answer(['Cut he', CUT], ['never'])
      expect(story).toBe('ai incomplete LLM_TRUNCATED: Cut he')
      expect(llm.requests).toHaveLength(1)
    })

    it('that says nothing at all is asked again', async () => {
      expect((await answer([], [CUT], ['Now.'])).story).toBe('ai complete: Now.')
    })

    it('that throws what it may not throws a failed reply', async () => {
      const { story, llm } = await answer([new TypeError('a bug with a secret in it')])
      expect(story).toBe('ai failed INTERNAL: ')
      expect(llm.requests).toHaveLength(1)
      expect(JSON.stringify(await rig.log(sessionId))).not.toContain('secret')
    })

    it('that states its limit is waited for, and no attempt is spent', async () => {
      const limit = new LlmError('LLM_UNAVAILABLE', 'HTTP 429', {
        ...{ retryable: true, isLimit: true, retryAfterMs: 1000 },
      })
      const llm = scriptLlm([limit], [limit], [limit], ['Here.'])
      const options = { maxWaiting: 10, onPause: () => undefined }
      const heeding = heedLimit(llm, new ProviderLimit(options))
      const events = await rig.listen(sessionId)
      const { question } = await rig.ask(sessionId, 'Hello?')
      await rig.createWorker({ llm: heeding }).answer(question)
      await until('all events', () => events.at(-1)?.event === 'session:updated')
      expect((await rig.story(sessionId))[1]).toBe('ai complete: Here.')
      expect(llm.requests).toHaveLength(4)
      const starts = events.flatMap(({ event, payload }) =>
        event === 'reply:start' ? [payload.attempt] : [],
      )
      expect(starts).toEqual([1])
    })

    it('that asks for a pause gets it', async () => {
      const startedAt = Date.now()
      expect((await answer([unavailable(300)], ['Later.'])).story).toBe('ai complete: Later.')
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(300)
    })

    it('that asks for too long a pause is not waited for', async () => {
      const { llm } = await answer([unavailable(60_000)])
      expect(llm.requests).toHaveLength(1)
      expect((await rig.log(sessionId))[1]?.error).toMatchObject({ retryAfterMs: 60_000 })
    })

    it('that took too long is not asked again at once', async () => {
      const late = new LlmError('LLM_TIMEOUT', 'no first token within 1 ms', { retryable: true })
      const { story, llm } = await answer([late])
      expect(story).toBe('ai failed LLM_TIMEOUT: ')
      expect(llm.requests).toHaveLength(1)
      expect((await rig.log(sessionId))[1]?.error).toMatchObject({ retryable: true })
    })

    it('that never ends is ended when the time is over', async () => {
      const { question } = await rig.ask(sessionId, 'Hello?')
      const never = () => new Promise<never>(() => undefined)
      const llm = scriptLlm(['Well', never])
      await rig.createWorker({ llm, timing: { replyTimeoutMs: 100 } }).answer(question)
      expect((await rig.story(sessionId))[1]).toBe('ai incomplete LLM_TIMEOUT: Well')
      expect(llm.aborted).toBe(1)
    })

    it('that never stops talking is cut at the longest message there is', async () => {
      const { story, llm } = await answer(Array.from({ length: 30 }, () => 'x'.repeat(10_000)))
      expect(story).toBe(`ai incomplete LLM_TRUNCATED: ${'x'.repeat(200_000)}`)
      expect(llm.requests).toHaveLength(1)
    })
  })
})
