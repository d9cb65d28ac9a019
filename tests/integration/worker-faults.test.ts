import { override } from '../environment/override.ts'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { AppError, type JobQueue } from '@chatbox/core'
import { enqueueWaiting, finishReplies } from '../../services/worker/src/sweeps/reconcile.ts'
import {
  createGate,
  MODEL,
  openRig,
  scriptLlm,
  textOf,
  until,
  type WorkerRig,
} from './worker-rig.ts'
import { describeWorkerDeaths } from './worker-deaths.contract.ts'

jest.setTimeout(30_000)

const away = () => new AppError('UNAVAILABLE', 'The store does not answer.')

describeWorkerDeaths(openRig)

describe('a worker that is late', () => {
  let rig: WorkerRig
  let sessionId: string

  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
  })
  afterEach(() => rig.close())

  it('has its commit refused once another one has answered', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const gate = createGate()
    const zombie = rig.createWorker({
      llm: scriptLlm([gate.step, 'Too late.']),
      // It sleeps through its lease and believes to hold it still; its bus tells it nothing.
      replies: override(rig.replies, {
        claim: (key) => rig.replies.claim(key, 1),
        renew: async () => 'held',
      }),
      bus: override(rig.bus, { publishDelta: async () => 'published' }),
    })
    const sleeping = zombie.answer(question)
    await gate.reached
    await rig.settle(sessionId, rig.createWorker({ llm: scriptLlm(['In time.']) }))
    gate.open()
    expect(await sleeping).toBe('lost')
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: In time.'])
    expect(await zombie.counted('chatbox_writes_fenced_total')).toBe(1)
  })

  it('shows nothing more once a later attempt has begun', async () => {
    const events = await rig.listen(sessionId)
    const { question } = await rig.ask(sessionId, 'Hello?')
    const late = createGate()
    const llm = scriptLlm(['old', late.step, ' more', () => new Promise(() => undefined)])
    const zombie = rig.createWorker({
      llm,
      replies: override(rig.replies, {
        claim: (key) => rig.replies.claim(key, 1),
        // It alone is cut off from the store, and writes on.
        renew: () => Promise.reject(away()),
      }),
    })
    const sleeping = zombie.answer(question)
    await late.reached
    const second = createGate()
    const answering = rig
      .createWorker({ llm: scriptLlm(['new', second.step, ' text']) })
      .answer(question)
    await second.reached
    await until('the new draft', () => textOf(events, 2) === 'new')
    late.open()
    expect(await sleeping).toBe('lost')
    expect(llm.aborted).toBe(1)
    second.open()
    expect(await answering).toBe('answered')
    await until('the end', () => events.at(-1)?.event === 'session:updated')
    expect(textOf(events, 1)).toBe('old')
    expect(await zombie.counted('chatbox_writes_fenced_total')).toBe(1)
  })

  it('stops asking the provider as soon as its lease is gone', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const llm = scriptLlm(['a', () => new Promise(() => undefined)])
    const worker = rig.createWorker({ llm, timing: { leaseMs: 300 } })
    const answering = worker.answer(question)
    await until('a request', () => llm.requests.length === 1)
    await rig.replies.cancel(sessionId, 'all')
    expect(await answering).toBe('lost')
    expect(llm.aborted).toBe(1)
    expect(await worker.counted('chatbox_leases_lost_total')).toBe(1)
    expect(await rig.story(sessionId)).toEqual(['user: Hello?'])
  })
})

describe('a store that is away', () => {
  let rig: WorkerRig
  let sessionId: string

  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
  })
  afterEach(() => rig.close())

  /** A port that refuses some calls until `ms` after the first of them. */
  function awayFor<P extends object>(port: P, ms: number, ...methods: (keyof P)[]): P {
    let back: number | undefined
    const refuse = (): boolean => Date.now() < (back ??= Date.now() + ms)
    return new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return async (...values: unknown[]): Promise<unknown> => {
          if (methods.some((one) => one === name) && refuse()) throw away()
          return Reflect.apply(method, target, values)
        }
      },
    })
  }

  it('for two seconds at the commit costs two seconds, and nothing else', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const llm = scriptLlm(['Kept.'])
    const replies = awayFor(rig.replies, 2000, 'commit', 'renew')
    const startedAt = Date.now()
    expect(await rig.createWorker({ llm, replies }).answer(question)).toBe('answered')
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2000)
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: Kept.'])
    expect(llm.requests).toHaveLength(1)
  })

  it('between a commit and its acknowledgement does not double the reply', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    let commits = 0
    const replies = override(rig.replies, {
      commit: async (claim, outcome) => {
        const result = await rig.replies.commit(claim, outcome)
        if (commits++ === 0) throw away()
        return result
      },
    })
    await rig.createWorker({ llm: scriptLlm(['Once.']), replies }).answer(question)
    expect(commits).toBe(2)
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: Once.'])
  })

  it('for longer than the lease costs nothing either, while nobody else has claimed', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const replies = awayFor(rig.replies, 600, 'commit', 'renew')
    const worker = rig.createWorker({
      llm: scriptLlm(['Kept.']),
      replies,
      timing: { leaseMs: 200 },
    })
    expect(await worker.answer(question)).toBe('answered')
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: Kept.'])
  })

  it('for longer than the patience leaves the question to be answered later', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const replies = awayFor(rig.replies, 60_000, 'commit', 'renew', 'release')
    const timing = { leaseMs: 200, silenceMs: 300, commitPatienceMs: 400 }
    const worker = rig.createWorker({ llm: scriptLlm(['Lost.']), replies, timing })
    await expect(worker.answer(question)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await worker.counted('chatbox_leases_lost_total')).toBe(1)
    await rig.settle(sessionId, rig.createWorker({ llm: scriptLlm(['Found.']) }))
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: Found.'])
  })

  it('before the provider is asked gives the question back at once', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const llm = scriptLlm(['never'])
    const messages = awayFor(rig.messages, 60_000, 'open')
    const worker = rig.createWorker({ llm, messages })
    await expect(worker.answer(question)).rejects.toMatchObject({ retryable: true })
    expect(llm.requests).toEqual([])
    expect(await rig.replies.findOpen(sessionId)).toMatchObject({ state: 'pending', epoch: 1 })
  })

  it('for one piece of bookkeeping does not cost the reply', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const llm = scriptLlm([{ type: 'conversation', ref: 'c-1' }, 'Fine.'])
    const conversationRefs = awayFor(rig.conversationRefs, 60_000, 'save')
    await rig.createWorker({ llm, conversationRefs }).answer(question)
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: Fine.'])
  })

  it('for one question does not keep the reconciler from the others', async () => {
    const other = await rig.createSession()
    const { question } = await rig.ask(sessionId, 'stuck')
    await rig.ask(other, 'fine')
    const taken: string[] = []
    const queue: Pick<JobQueue, 'enqueue'> = {
      enqueue: async (_name, job) => {
        if (job.sessionId === sessionId) throw away()
        taken.push(job.sessionId)
      },
    }
    const { context } = rig.createWorker({ llm: scriptLlm(['Hi.']), queue })
    const { replies } = rig
    await enqueueWaiting({ ...context, replies }, { staleMs: 0, forMs: 1000, limit: 10 })
    expect(taken).toEqual([other])
    expect(await rig.replies.findOpen(sessionId)).toMatchObject({ messageId: question.id })
  })
})

describe('a reply that its worker committed before it died', () => {
  const STORY = ['user: Hello?', 'ai complete: Hi.']
  let rig: WorkerRig
  let sessionId: string

  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
    const { question } = await rig.ask(sessionId, 'Hello?')
    const claim = await rig.replies.claim({ sessionId, messageId: question.id }, 5000)
    if (!claim) throw new Error('a new question could not be claimed')
    const finishedAt = rig.clock.now().toISOString()
    const outcome = { status: 'complete', content: 'Hi.', modelId: MODEL, finishedAt } as const
    await rig.replies.commit(claim, outcome)
  })
  afterEach(() => rig.close())

  it('is put into the log by a sweep, also while the queue is away', async () => {
    const queue = { enqueue: () => Promise.reject(away()) }
    const { context } = rig.createWorker({ llm: scriptLlm([]), queue })
    await until('the end of the question', async () => {
      await finishReplies({ ...context, replies: rig.replies }, { forMs: 100, limit: 10 })
      return (await rig.replies.findOpen(sessionId)) === undefined
    })
    expect(await rig.story(sessionId)).toEqual(STORY)
  })

  it('is put into the log by the next job, also without a sweep', async () => {
    const worker = rig.createWorker({ llm: scriptLlm([]) })
    expect(await worker.answer({ sessionId })).toBe('answered')
    expect(await rig.story(sessionId)).toEqual(STORY)
  })
})

describe('a queue that is away', () => {
  let rig: WorkerRig

  beforeEach(async () => {
    rig = await openRig()
  })
  afterEach(() => rig.close())

  it('does not cost the reply, and the next question is found without it', async () => {
    const sessionId = await rig.createSession()
    const first = await rig.ask(sessionId, 'first')
    await rig.ask(sessionId, 'second')
    const llm = scriptLlm(['1'], ['2'])
    const queue = { enqueue: () => Promise.reject(away()) }
    expect(await rig.createWorker({ llm, queue }).answer(first.question)).toBe('answered')
    await rig.settle(sessionId, rig.createWorker({ llm }))
    expect((await rig.story(sessionId)).slice(2)).toEqual(['ai complete: 1', 'ai complete: 2'])
  })
})
