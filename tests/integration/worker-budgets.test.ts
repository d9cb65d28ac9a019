import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { LlmError, type BudgetLimits, type Clock, type LlmChunk, type LlmWork } from '@chatbox/core'
import { override } from '../environment/override.ts'
import { waitUntil } from '../environment/wait-until.ts'
import {
  createGate,
  CUT,
  openRig,
  scriptLlm,
  type ScriptedLlm,
  type WorkerRig,
} from './worker-rig.ts'

jest.setTimeout(30_000)

const DAY = () => new Date().toISOString().slice(0, 10)
const usage = (totalTokens: number): LlmChunk => ({
  type: 'usage',
  usage: { promptTokens: totalTokens - 10, completionTokens: 10, totalTokens },
})
const some = (tokens: number) => ({ tokens, cost: 0 })
const PAYER = { user: 'U', address: 'A' }

describe('a budget', () => {
  let rig: WorkerRig
  let sessionId: string
  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
  })
  afterEach(() => rig.close())

  const used = async (account: string) => (await rig.ledger.read(DAY(), [account]))[0]
  const open = (script: Parameters<typeof scriptLlm>[0], budgets: Partial<BudgetLimits>) => {
    const llm = scriptLlm(script)
    return { llm, worker: rig.createWorker({ llm, budgets }) }
  }

  it.each(['user', 'address', 'site'] as const)(
    'of the %s ends a question as a failed answer that says when to go on',
    async (scope) => {
      const { llm, worker } = open(['Yes.', usage(60)], { [scope]: some(100) })
      for (const text of ['one', 'two', 'three', 'four']) {
        await worker.answer((await rig.ask(sessionId, text, { payer: PAYER })).question)
      }
      expect(await rig.story(sessionId)).toEqual([
        'user: one',
        'ai complete: Yes.',
        'user: two',
        'ai complete: Yes.',
        'user: three',
        'ai failed BUDGET_EXCEEDED: ',
        'user: four',
        'ai failed BUDGET_EXCEEDED: ',
      ])
      expect(llm.requests).toHaveLength(2)
      const { error, createdAt } = (await rig.log(sessionId))[5] ?? {}
      const endsAt = Date.parse(createdAt ?? '') + (error?.retryAfterMs ?? 0)
      const midnight = Date.parse(DAY()) + 86_400_000
      expect(Math.abs(endsAt - midnight)).toBeLessThan(1000)
      expect(error?.retryable).toBe(true)
      expect(await rig.replies.findOpen(sessionId)).toBeUndefined()
      expect(await worker.counted('chatbox_budget_refusals_total')).toBe(2)
    },
  )

  it('of one user or address is nobody else’s', async () => {
    const { worker } = open(['Yes.', usage(100)], { user: some(100), address: some(1000) })
    const ask = async (user: string) =>
      worker.answer((await rig.ask(sessionId, user, { payer: { user, address: 'A' } })).question)
    await ask('U')
    await ask('U')
    await ask('V')
    const answers = (await rig.story(sessionId)).filter((line) => line.startsWith('ai'))
    expect(answers).toEqual([
      'ai complete: Yes.',
      'ai failed BUDGET_EXCEEDED: ',
      'ai complete: Yes.',
    ])
    expect(await used('address:A')).toEqual(some(200))
  })

  it('of an address is met by visitors that have a new name for each question', async () => {
    const { llm, worker } = open(['Yes.', usage(50)], { user: some(1000), address: some(200) })
    for (let i = 0; i < 12; i++) {
      const payer = { user: `visitor-${i}`, address: i % 2 ? 'A' : 'B' }
      await worker.answer((await rig.ask(sessionId, `${i}`, { payer })).question)
    }
    expect(llm.requests).toHaveLength(8)
    expect([await used('address:A'), await used('address:B')]).toEqual([some(200), some(200)])
  })

  it('of money is used at the prices of the model', async () => {
    const llm = scriptLlm(['Yes.', usage(110)])
    const prices = { input: 1_000_000, output: 2_000_000 }
    const site = { tokens: 0, cost: 240 }
    const worker = rig.createWorker({ llm, prices, budgets: { site } })
    for (const text of ['one', 'two', 'three']) {
      await worker.answer((await rig.ask(sessionId, text)).question)
    }
    expect(await used('site')).toEqual({ tokens: 220, cost: 240 })
    expect(llm.requests).toHaveLength(2)
  })

  it('of money is not used by a model without a price', async () => {
    const { llm, worker } = open(['Yes.', usage(110)], { site: { tokens: 0, cost: 1 } })
    for (const text of ['one', 'two'])
      await worker.answer((await rig.ask(sessionId, text)).question)
    expect(await used('site')).toEqual({ tokens: 220, cost: 0 })
    expect(llm.requests).toHaveLength(2)
  })

  it('begins again with the day', async () => {
    let now = new Date('2026-03-28T23:59:00Z')
    const clock: Clock = { ...rig.clock, now: () => now }
    const llm = scriptLlm(['Yes.', usage(100)])
    const worker = rig.createWorker({ llm, clock, budgets: { site: some(100) } })
    const ask = async (text: string) => worker.answer((await rig.ask(sessionId, text)).question)
    await ask('one')
    await ask('two')
    expect(llm.requests).toHaveLength(1)
    now = new Date('2026-03-29T00:00:00Z')
    await ask('three')
    expect(llm.requests).toHaveLength(2)
  })

  it('outlives the process', async () => {
    const { worker } = open(['Yes.', usage(100)], { user: some(100) })
    await worker.answer((await rig.ask(sessionId, 'one', { payer: PAYER })).question)
    const later = await rig.openAnother()
    const llm = scriptLlm(['Yes.'])
    const next = later.createWorker({ llm, budgets: { user: some(100) } })
    await next.answer((await rig.ask(sessionId, 'two', { payer: PAYER })).question)
    expect(llm.requests).toHaveLength(0)
  })

  it('is passed by no more than what runs at the same time', async () => {
    const gates = [createGate(), createGate()]
    const workers = gates.map(({ step }) => {
      const llm = scriptLlm([step, 'Yes.', usage(100)])
      return rig.createWorker({ llm, budgets: { site: some(50) } })
    })
    const running = await Promise.all(
      workers.map(async (worker) => {
        const own = await rig.createSession()
        return worker.answer.bind(worker, (await rig.ask(own, 'now')).question)
      }),
    )
    const ended = Promise.all(running.map((run) => run()))
    await Promise.all(gates.map(({ reached }) => reached))
    for (const gate of gates) gate.open()
    await ended
    for (const worker of workers) {
      await worker.answer((await rig.ask(sessionId, 'later')).question)
    }
    expect(await used('site')).toEqual(some(200))
  })

  describe('is used by an attempt', () => {
    const cutOff = new LlmError('LLM_TRUNCATED', 'cut', { retryable: false })
    const timedOut = new LlmError('LLM_TIMEOUT', 'slow', { retryable: false })
    const refused = new LlmError('LLM_UNAVAILABLE', 'HTTP 401', { retryable: false })

    async function charge(...script: Parameters<typeof scriptLlm>[0]) {
      const { worker } = open(script, { site: some(1_000_000) })
      const { question } = await rig.ask(sessionId, 'Hello?')
      await worker.answer(question)
      return (await used('site'))?.tokens ?? 0
    }

    it('that was cut off', async () => {
      expect(await charge('x'.repeat(300), CUT)).toBeGreaterThan(100)
    })

    it('that failed after a report of its tokens', async () => {
      expect(await charge('Half', usage(77), cutOff)).toBe(77)
    })

    it('that reported too little before it was cut off', async () => {
      expect(await charge('x'.repeat(900), usage(20), cutOff)).toBeGreaterThanOrEqual(310)
    })

    it('that timed out before its first word: the question was read', async () => {
      expect(await charge(timedOut)).toBeGreaterThan(0)
    })

    it('not if the provider refused it', async () => {
      expect(await charge(refused)).toBe(0)
    })

    it('each time that it is made', async () => {
      const unavailable = new LlmError('LLM_UNAVAILABLE', 'HTTP 503', { retryable: true })
      const llm = scriptLlm(['Half', usage(50), unavailable], ['Whole', usage(70)])
      const worker = rig.createWorker({ llm, budgets: { site: some(1_000_000) } })
      await worker.answer((await rig.ask(sessionId, 'Hello?')).question)
      expect(await used('site')).toEqual(some(120))
    })

    /** Stops the reply at the end of its script, and returns what it cost. */
    async function chargeStopped(
      script: (llm: ScriptedLlm) => Parameters<typeof scriptLlm>[0],
    ): Promise<number> {
      const gate = createGate()
      const llm = scriptLlm([])
      const scripted = scriptLlm([...script(llm), gate.step])
      llm.streamReply = (request, signal) => {
        llm.requests.push(request)
        return scripted.streamReply(request, signal)
      }
      const worker = rig.createWorker({ llm, budgets: { site: some(1_000_000) } })
      const { question, replyId } = await rig.ask(sessionId, 'Hello?')
      const answering = worker.answer(question)
      await gate.reached
      await rig.replies.requestStop(sessionId, replyId)
      worker.context.running.stop(replyId)
      await answering
      return (await used('site'))?.tokens ?? 0
    }
    const workOf = ({ requests }: ScriptedLlm): LlmWork => {
      const work = requests.at(-1)?.work
      if (!work) throw new Error('asked without a place for notes')
      return work
    }

    it('that was stopped', async () => {
      expect(await chargeStopped(() => ['x'.repeat(300)])).toBeGreaterThan(100)
    })

    it('that was stopped before its first word: the question was read', async () => {
      const charged = await chargeStopped(() => [])
      expect(charged).toBeGreaterThan(0)
      expect(charged).toBeLessThan(50)
    })

    it('not if it was stopped before it was sent', async () => {
      const waits = (llm: ScriptedLlm) => [async () => void (workOf(llm).isSent = false)]
      expect(await chargeStopped(waits)).toBe(0)
    })

    it('not if its time was over before it was sent', async () => {
      const llm = scriptLlm([async () => void (workOf(llm).isSent = false), timedOut])
      const worker = rig.createWorker({ llm, budgets: { site: some(1_000_000) } })
      await worker.answer((await rig.ask(sessionId, 'Hello?')).question)
      expect(await used('site')).toEqual(some(0))
    })

    it('that was stopped while it reasoned', async () => {
      const thinks = (llm: ScriptedLlm) => [async () => void (workOf(llm).hiddenTokens += 500)]
      expect(await chargeStopped(thinks)).toBeGreaterThan(500)
    })

    it('that failed after it had reasoned', async () => {
      const llm = scriptLlm([async () => void (workOf(llm).hiddenTokens += 500), refused])
      const worker = rig.createWorker({ llm, budgets: { site: some(1_000_000) } })
      await worker.answer((await rig.ask(sessionId, 'Hello?')).question)
      expect((await used('site'))?.tokens).toBeGreaterThan(500)
    })

    it('whose text the provider took back before it was stopped', async () => {
      const replaced = { type: 'replacement' as const, text: 'Sorry.' }
      expect(await chargeStopped(() => ['x'.repeat(900), replaced])).toBeGreaterThan(300)
    })
  })

  it('does not keep an answer from its reader while the use is counted, and ends after it', async () => {
    const { worker } = open(['Yes.', usage(60)], { site: some(100) })
    const { budgets } = worker.context
    const counted = createGate()
    const charge: typeof budgets.charge = async (use) => {
      await counted.step()
      await budgets.charge(use)
    }
    worker.context.budgets = override(budgets, { charge })
    let hasEnded = false
    const answering = worker
      .answer((await rig.ask(sessionId, 'Hello?')).question)
      .finally(() => (hasEnded = true))
    await counted.reached
    await waitUntil(async () => (await rig.story(sessionId)).length === 2)
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: Yes.'])
    expect([await used('site'), hasEnded]).toEqual([some(0), false])
    counted.open()
    expect(await answering).toBe('answered')
    expect(await used('site')).toEqual(some(60))
  })

  it('lets a question wait while nobody can tell what is used', async () => {
    const { llm, worker } = open(['Yes.', usage(10)], { site: some(100) })
    const read = () => Promise.reject(new LlmError('LLM_TIMEOUT', 'away', { retryable: true }))
    const { budgets } = worker.context
    worker.context.budgets = override(budgets, { findSpent: read })
    const { question } = await rig.ask(sessionId, 'Hello?')
    await expect(worker.answer(question)).rejects.toMatchObject({ retryable: true })
    expect(await rig.replies.findOpen(sessionId)).toMatchObject({ state: 'pending', epoch: 0 })
    worker.context.budgets = budgets
    expect(await worker.answer(question)).toBe('answered')
    expect(llm.requests).toHaveLength(1)
  })
})
