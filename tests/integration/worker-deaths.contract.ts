import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createMortal, LONG_ENOUGH_TO_SPEAK } from './worker-mortal.ts'
import { createGate, scriptLlm, textOf, until, type WorkerRig } from './worker-rig.ts'

const USAGE = { promptTokens: 7, completionTokens: 2, totalTokens: 9 }
const SHORT_LEASE = { leaseMs: 40, replyTimeoutMs: 200 }

/** That a question survives any worker, on whichever back end `openRig` opens. */
export function describeWorkerDeaths(openRig: () => Promise<WorkerRig>): void {
  describe('a worker that dies', () => {
    let rig: WorkerRig
    let sessionId: string

    beforeEach(async () => {
      rig = await openRig()
      sessionId = await rig.createSession()
    })
    afterEach(() => rig.close())

    it('leaves exactly one reply to be written, wherever it dies', async () => {
      const rehearsal = createMortal(rig)
      const llm = scriptLlm(['One ', 'reply.'])
      const { question } = await rig.ask(sessionId, 'rehearsal')
      await rig.createWorker({ llm, ...rehearsal.parts }).answer(question)
      const steps = rehearsal.calls()
      expect(steps.length).toBeGreaterThanOrEqual(12)

      for (const [at, name] of steps.entries()) {
        for (const moment of ['before', 'after'] as const) {
          const session = await rig.createSession()
          const asked = await rig.ask(session, `dies ${moment} ${name}`)
          const victim = createMortal(rig, { at, moment })
          const worker = rig.createWorker({ llm, ...victim.parts, timing: SHORT_LEASE })
          // Two deltas may become one, so the last of these steps is not always reached.
          await Promise.race([victim.dead, worker.answer(asked.question)])
          await rig.settle(session, rig.createWorker({ llm }))
          expect(await rig.story(session)).toEqual([
            `user: dies ${moment} ${name}`,
            'ai complete: One reply.',
          ])
        }
      }
    }, 60_000)

    it('is taken over, and the new attempt replaces its text', async () => {
      const events = await rig.listen(sessionId)
      const { question, replyId } = await rig.ask(sessionId, 'Hello?')
      const gate = createGate()
      const victim = createMortal(rig)
      const dying = rig.createWorker({
        llm: scriptLlm(['A text that nobody will end', gate.step]),
        ...victim.parts,
        timing: LONG_ENOUGH_TO_SPEAK,
      })
      void dying.answer(question)
      await gate.reached
      await until(
        'a draft',
        async () => (await rig.bus.readDraft(sessionId, replyId)) !== undefined,
      )
      victim.kill()

      const second = rig.createWorker({
        llm: scriptLlm(['The reply.', { type: 'usage', usage: USAGE }]),
      })
      await rig.settle(sessionId, second)

      expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: The reply.'])
      await until('the new text', () => textOf(events, 2) === 'The reply.')
      const reply = (await rig.log(sessionId)).at(-1)
      expect(reply?.usage).toEqual({ ...USAGE, unknownAttempts: 1 })
      expect(await second.counted('chatbox_replies_taken_over_total')).toBe(1)
      expect(await second.counted('chatbox_reconciled_total')).toBe(1)
    })

    it('again and again ends in a failed reply', async () => {
      const { question } = await rig.ask(sessionId, 'poison')
      for (let deaths = 0; deaths < 3; deaths++) {
        await until(
          'a claim',
          async () => (await rig.replies.claim(toKey(question), 1)) !== undefined,
        )
      }
      const llm = scriptLlm(['never'])
      await rig.settle(sessionId, rig.createWorker({ llm, timing: { maxAttempts: 3 } }))
      expect(await rig.story(sessionId)).toEqual(['user: poison', 'ai failed INTERNAL: '])
      expect(llm.requests).toEqual([])
    })
  })

  describe('two workers with one question', () => {
    let rig: WorkerRig

    beforeEach(async () => {
      rig = await openRig()
    })
    afterEach(() => rig.close())

    it('write one reply, a hundred times over', async () => {
      const llm = scriptLlm(['Only one.'])
      const workers = [rig.createWorker({ llm }), rig.createWorker({ llm })]
      for (let round = 0; round < 100; round++) {
        const sessionId = await rig.createSession()
        const { question } = await rig.ask(sessionId, 'Who?')
        await Promise.all(workers.map((worker) => worker.answer(question)))
        expect(await rig.story(sessionId)).toEqual(['user: Who?', 'ai complete: Only one.'])
      }
      expect(llm.requests).toHaveLength(100)
      // The late one may help with a reply that it finds committed; it is counted once all the same.
      const counts = workers.map((worker) => worker.counted('chatbox_replies_total'))
      expect((await Promise.all(counts)).reduce((a, b) => a + b)).toBe(100)
    }, 60_000)
  })
}

function toKey({ sessionId, id }: { sessionId: string; id: string }) {
  return { sessionId, messageId: id }
}
