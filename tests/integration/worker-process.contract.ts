import { override } from '../environment/override.ts'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import type { Llm, ReplyClaims, Sessions } from '@chatbox/core'
import { createLogger, createMetrics, readSettings } from '@chatbox/kit'
import { startWorker, type RunningWorker, type WorkerOptions } from '@chatbox/worker'
import { createGate, FAST, scriptLlm, textOf, toJob, until, type WorkerRig } from './worker-rig.ts'

jest.setTimeout(30_000)

const SWEEPS = {
  ...{ reconcileEveryMs: 40, enqueueEveryMs: 40, idleEveryMs: 40 },
  ...{ staleMs: 0, takeForMs: 20 },
}
const NO_SWEEPS = { reconcileEveryMs: 60_000, enqueueEveryMs: 60_000, idleEveryMs: 60_000 }
const SETTINGS = readSettings({})
const forever = () => new Promise<never>(() => undefined)

interface StartOptions extends Pick<WorkerOptions, 'timing'> {
  concurrency?: number
  idleTimeoutMs?: number
  sessions?: Sessions
  replies?: ReplyClaims
}

/** What a worker does as a whole, on whichever back end `openRig` opens. */
export function describeWorkerProcess(openRig: () => Promise<WorkerRig>): void {
  let rig: WorkerRig
  let sessionId: string
  const started: RunningWorker[] = []

  beforeEach(async () => {
    rig = await openRig()
    sessionId = await rig.createSession()
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((worker) => worker.stop(1000)))
    await rig.close()
  })

  async function start(
    llm: Llm,
    { timing, sessions, replies, concurrency = 4, idleTimeoutMs = 60_000 }: StartOptions = {},
    where: WorkerRig = rig,
  ) {
    const metrics = createMetrics()
    const { models, pace } = where.createWorker({ llm }).context
    const logger = createLogger('test', 'silent')
    const { messages, conversationRefs, queue, bus, clock, ledger, pseudonym } = where
    const worker = await startWorker(
      {
        ...{ sessions: sessions ?? where.sessions, replies: replies ?? where.replies },
        ...{ messages, conversationRefs, queue, bus, clock, logger, metrics, models, pace },
        ...{ ledger, pseudonym },
      },
      {
        models: { ...SETTINGS.models, concurrency, totalMs: 10_000 },
        sessions: { ...SETTINGS.sessions, idleTimeoutMs },
        budgets: SETTINGS.budgets,
        timing: { ...FAST, ...NO_SWEEPS, ...timing },
      },
    )
    started.push(worker)
    return { worker, metrics }
  }

  const enqueue = (question: Parameters<typeof toJob>[0]) =>
    rig.queue.enqueue('answer-session', toJob(question))

  const answered = (count: number) =>
    until(`${count} replies`, async () => {
      const log = await rig.log(sessionId)
      return log.filter(({ sender }) => sender.type === 'ai').length === count
    })

  it('answers a burst in the order in which it was asked', async () => {
    const llm: Llm = {
      async *streamReply({ messages }) {
        yield { type: 'text', text: `re: ${messages.at(-1)?.content ?? ''}` }
        yield { type: 'end' }
      },
    }
    await start(llm)
    const asked = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const content of asked) await enqueue((await rig.ask(sessionId, content)).question)
    await answered(asked.length)
    const replies = (await rig.story(sessionId)).filter((line) => line.startsWith('ai'))
    expect(replies).toEqual(asked.map((content) => `ai complete: re: ${content}`))
  })

  it('answers at once what is asked when the job before it has found nothing more', async () => {
    const late = ['b', 'c', 'd']
    const replies = override(rig.replies, {
      findOpen: async (id) => {
        const open = await rig.replies.findOpen(id)
        const content = open ? undefined : late.shift()
        if (content) await enqueue((await rig.ask(id, content)).question)
        return open
      },
    })
    await start(scriptLlm(['Yes.']), { replies })
    await enqueue((await rig.ask(sessionId, 'a')).question)
    await answered(4)
    expect(late).toEqual([])
  })

  it('answers one question of a session, and then the other sessions', async () => {
    const order: string[] = []
    const gate = createGate()
    const llm: Llm = {
      async *streamReply(request) {
        order.push(request.sessionId)
        await gate.step()
        yield { type: 'text', text: 'x' }
        yield { type: 'end' }
      },
    }
    await start(llm, { concurrency: 1 })
    const other = await rig.createSession()
    for (const content of ['a', 'b', 'c'])
      await enqueue((await rig.ask(sessionId, content)).question)
    await gate.reached
    await enqueue((await rig.ask(other, 'a')).question)
    gate.open()
    await answered(3)
    expect(order).toEqual([sessionId, other, sessionId, sessionId])
  })

  it('has at most one job for a session with something to answer, however often it sweeps', async () => {
    const gate = createGate()
    let sweeps = 0
    const replies = override(rig.replies, {
      takeWaiting: (...limits) => {
        sweeps++
        return rig.replies.takeWaiting(...limits)
      },
    })
    const { metrics } = await start(scriptLlm([gate.step, 'x']), {
      replies,
      concurrency: 1,
      timing: SWEEPS,
    })
    const sessions = await Promise.all(Array.from({ length: 5 }, () => rig.createSession()))
    for (const content of ['a', 'b', 'c', 'd'])
      for (const id of sessions) await enqueue((await rig.ask(id, content)).question)
    await gate.reached
    const before = sweeps
    await until('ten more sweeps', () => sweeps > before + 10)
    expect(await metrics.registry.metrics()).toContain('chatbox_reconciled_total{kind="pending"}')
    expect(await rig.queue.counts()).toEqual({ waiting: 4, active: 1, delayed: 0, failed: 0 })
    gate.open()
    await until('all answered', async () => {
      const logs = await Promise.all(sessions.map((id) => rig.log(id)))
      return logs.every(({ length }) => length === 8)
    })
  })

  it('answers no more questions at once than it may', async () => {
    let now = 0
    let most = 0
    const gate = createGate()
    const llm: Llm = {
      async *streamReply() {
        most = Math.max(most, ++now)
        await gate.step()
        now--
        yield { type: 'text', text: 'x' }
        yield { type: 'end' }
      },
    }
    await start(llm, { concurrency: 3 })
    const sessions = await Promise.all(Array.from({ length: 8 }, () => rig.createSession()))
    for (const id of sessions) await enqueue((await rig.ask(id, 'Hello?')).question)
    await until('three at once', () => now === 3)
    gate.open()
    await until('all answered', async () => {
      const open = await Promise.all(sessions.map((id) => rig.replies.findOpen(id)))
      return open.every((reply) => reply === undefined)
    })
    expect(most).toBe(3)
  })

  it('stops a reply within a second of being told over the bus', async () => {
    const llm = scriptLlm(['Half', forever])
    await start(llm)
    const { question, replyId } = await rig.ask(sessionId, 'Hello?')
    await enqueue(question)
    await until('a draft', async () => (await rig.bus.readDraft(sessionId, replyId)) !== undefined)
    await rig.replies.requestStop(sessionId, replyId)
    await rig.bus.publishStop(replyId)
    const toldAt = Date.now()
    await answered(1)
    expect(Date.now() - toldAt).toBeLessThan(1000)
    expect(llm.aborted).toBe(1)
    expect((await rig.story(sessionId))[1]).toBe('ai stopped: Half')
  })

  it('finds a question whose job is lost', async () => {
    const { metrics } = await start(scriptLlm(['Found.']), { timing: SWEEPS })
    await rig.ask(sessionId, 'Is anybody there?')
    await answered(1)
    await until('the count', async () => {
      const text = await metrics.registry.metrics()
      return /chatbox_reconciled_total\{kind="pending"\} [1-9]/.test(text)
    })
  })

  it('puts a committed reply into the log that its worker left behind', async () => {
    const { question } = await rig.ask(sessionId, 'Hello?')
    const claim = await rig.replies.claim({ sessionId, messageId: question.id }, 1000)
    await rig.replies.commit(claim ?? nothing(), {
      status: 'complete',
      content: 'Committed.',
      modelId: 'model-1',
      finishedAt: rig.clock.now().toISOString(),
    })
    const { metrics } = await start(scriptLlm(['never']), { timing: SWEEPS })
    await answered(1)
    expect((await rig.story(sessionId))[1]).toBe('ai complete: Committed.')
    await until('the count', async () => {
      const text = await metrics.registry.metrics()
      return text.includes('chatbox_reconciled_total{kind="committed"} 1')
    })
  })

  it('hands a reply over when it is stopped, and commits nothing', async () => {
    const other = await rig.openAnother()
    const gate = createGate()
    const llm = scriptLlm(['First half', gate.step])
    const { worker } = await start(llm)
    const { question } = await rig.ask(sessionId, 'Hello?')
    await enqueue(question)
    await gate.reached

    const stoppedAt = Date.now()
    await worker.stop(5000)
    expect(Date.now() - stoppedAt).toBeLessThan(1000)
    expect(llm.aborted).toBe(1)
    expect(await rig.replies.findOpen(sessionId)).toMatchObject({ state: 'pending', epoch: 1 })

    const events = await other.listen(sessionId)
    const { worker: next } = await start(scriptLlm(['All of it.']), { timing: SWEEPS }, other)
    await answered(1)
    await until('the new text', () => textOf(events, 2) === 'All of it.')
    expect(await rig.story(sessionId)).toEqual(['user: Hello?', 'ai complete: All of it.'])
    await next.stop(1000)
  })

  it('does not wait for ever for what will not end', async () => {
    const { worker } = await start({
      async *streamReply() {
        yield { type: 'text', text: 'x' }
        await forever()
      },
    })
    await enqueue((await rig.ask(sessionId, 'Hello?')).question)
    await until('a claim', async () => {
      return (await rig.replies.findOpen(sessionId))?.state === 'running'
    })
    const stoppedAt = Date.now()
    await worker.stop(300)
    await worker.stop(300)
    expect(Date.now() - stoppedAt).toBeLessThan(2000)
  })

  it('ends idle sessions once, however many workers sweep', async () => {
    const other = await rig.openAnother()
    const idle = await rig.createSession({ startedAt: new Date(Date.now() - 3_600_000) })
    const events = await rig.listen(idle)
    const sweeps: [number, number] = [0, 0]
    const counted = (sessions: Sessions, worker: 0 | 1) =>
      override(sessions, {
        listIdle: (before, limit) => {
          sweeps[worker]++
          return sessions.listIdle(before, limit)
        },
      })
    const llm = scriptLlm(['x'])
    await start(llm, { timing: SWEEPS, sessions: counted(rig.sessions, 0) })
    const { worker } = await start(
      llm,
      { timing: SWEEPS, sessions: counted(other.sessions, 1) },
      other,
    )

    await until('the end', async () => (await rig.sessions.find(idle))?.status === 'ended')
    const before = [...sweeps]
    await until('two more sweeps of each', () => {
      return sweeps.every((count, at) => count >= (before[at] ?? 0) + 2)
    })
    const log = await rig.log(idle)
    expect(log).toHaveLength(1)
    expect(log[0]).toMatchObject({
      kind: 'event',
      sender: { type: 'system' },
      event: { type: 'session_ended', reason: 'idle' },
    })
    expect((await rig.sessions.find(sessionId))?.status).toBe('active')
    // A bus of its own is all that the other process has here.
    expect([[], ['message:new', 'session:updated']]).toContainEqual(
      events.map(({ event }) => event),
    )
    await worker.stop(1000)
  })

  it('cancels what is open in an idle session', async () => {
    await rig.ask(sessionId, 'Nobody answers this.')
    await start(scriptLlm(['never']), { idleTimeoutMs: 1, timing: { idleEveryMs: 40 } })
    await until('the end', async () => {
      return (await rig.sessions.find(sessionId))?.status === 'ended'
    })
    await until('nothing open', async () => {
      return (await rig.replies.findOpen(sessionId)) === undefined
    })
    expect(await rig.story(sessionId)).toEqual(['user: Nobody answers this.', 'session_ended'])
  })
}

function nothing(): never {
  throw new Error('nothing was claimed')
}
