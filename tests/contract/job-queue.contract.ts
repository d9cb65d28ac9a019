import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JobPayload } from '@chatbox/contract'
import { AppError, type JobHandlers, type JobQueue } from '@chatbox/core'
import { eventually, newId, timeMs, type CountedHooks } from './redis.support.ts'

export interface QueueHarness {
  queue: JobQueue
  hooks: CountedHooks
  close(): Promise<void>
}

export type AnswerJob = JobPayload<'answer-session'>

export const newJob = (sessionId = newId()): AnswerJob => ({
  v: 1,
  sessionId,
  requestId: newId(),
})

/** Handlers that note what they were given and do as they are told. */
export function createRecorder(
  work: (payload: AnswerJob, signal: AbortSignal) => Promise<void> = () => Promise.resolve(),
): { handlers: JobHandlers; seen: AnswerJob[] } {
  const seen: AnswerJob[] = []
  return {
    seen,
    handlers: {
      'answer-session': (payload, signal) => {
        seen.push(payload)
        return work(payload, signal)
      },
    },
  }
}

/** A promise, and what settles it. */
export function createGate(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}

/** Ends with the abort, as a handler should. */
export function untilAborted(_payload: AnswerJob, signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
  })
}

class FinalError extends Error {
  readonly retryable = false
}

export function describeJobQueue(name: string, open: () => Promise<QueueHarness>): void {
  describe(`JobQueue: ${name}`, () => {
    let harness: QueueHarness
    let queue: JobQueue
    beforeEach(async () => {
      harness = await open()
      queue = harness.queue
    })
    afterEach(() => harness.close())

    const enqueue = (payload = newJob()): Promise<void> => queue.enqueue('answer-session', payload)
    const runs = (seen: AnswerJob[], count: number): Promise<number> =>
      eventually(
        () => seen.length,
        (length) => length === count,
      )
    const failures = (count: number): Promise<unknown> =>
      eventually(
        () => queue.counts(),
        ({ failed }) => failed === count,
      )
    const idle = (): Promise<unknown> =>
      eventually(
        () => queue.counts(),
        ({ waiting, active, delayed }) => waiting + active + delayed === 0,
      )

    it('runs a job that was there before anyone consumed, with an equal payload', async () => {
      const payload = newJob()
      await enqueue(payload)
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      await runs(seen, 1)
      expect(seen[0]).toEqual(payload)
      expect(seen[0]).not.toBe(payload)
    })

    it('says how long the job whose turn is next has waited, and nothing of those that run', async () => {
      expect(await queue.oldestWaitingMs()).toBe(0)
      const startedAt = Date.now()
      await enqueue()
      await eventually(
        () => queue.oldestWaitingMs(),
        (ageMs) => ageMs >= 300,
      )
      await enqueue()
      expect(await queue.oldestWaitingMs()).toBeGreaterThanOrEqual(300)
      expect(await queue.oldestWaitingMs()).toBeLessThanOrEqual(Date.now() - startedAt)
      const { promise: gate, resolve } = createGate()
      await queue.consume(createRecorder(() => gate).handlers, { concurrency: 1 })
      await eventually(
        () => queue.counts(),
        ({ active, waiting }) => active === 1 && waiting === 1,
      )
      // The second one is next now, and younger.
      expect(await queue.oldestWaitingMs()).toBeLessThan(Date.now() - startedAt - 299)
      resolve()
    })

    it('has one job of a session, however often it is asked for one that waits', async () => {
      const sessions = Array.from({ length: 5 }, () => newId())
      const jobs = sessions.flatMap((id) => Array.from({ length: 50 }, () => newJob(id)))
      await Promise.all(jobs.map((job) => enqueue(job)))
      expect(await queue.counts()).toEqual({ waiting: 5, active: 0, delayed: 0, failed: 0 })
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 2 })
      await idle()
      expect(seen.map(({ sessionId }) => sessionId).toSorted()).toEqual(sessions.toSorted())
    })

    it('runs a session once more, after the run, for all that was asked meanwhile', async () => {
      const { promise: gate, resolve } = createGate()
      const { handlers, seen } = createRecorder(() => gate)
      await queue.consume(handlers, { concurrency: 5 })
      const [first, ...later] = Array.from({ length: 4 }, () => newJob('same'))
      await enqueue(first)
      await runs(seen, 1)
      for (const job of later) await enqueue(job)
      await enqueue()
      await runs(seen, 2)
      // The other session has come and the queue is not full: this one waits for its own run.
      expect(seen.filter(({ sessionId }) => sessionId === 'same')).toEqual([first])
      expect(await queue.counts()).toMatchObject({ waiting: 0, active: 2 })
      resolve()
      await runs(seen, 3)
      await idle()
      expect(seen.filter(({ sessionId }) => sessionId === 'same')).toEqual([first, later.at(-1)])
      expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 })
    })

    it('runs after every call, also one that comes while a handler ends', async () => {
      let asked = 0
      let seen = 0
      let ask = Promise.resolve()
      const ended = createRecorder(async () => {
        seen = asked
        if (asked++ < 200) ask = enqueue(newJob('same'))
        // The call is under way in one round, and has come in the next one.
        if (asked % 2) await ask
      })
      await queue.consume(ended.handlers, { concurrency: 2 })
      await enqueue(newJob('same'))
      await eventually(
        () => seen,
        (count) => count === 200,
      )
      await ask
      await idle()
      expect(ended.seen).toHaveLength(201)
    })

    it('lets the others go first when a handler asks for its own session again', async () => {
      const { promise: gate, resolve } = createGate()
      const { handlers, seen } = createRecorder(async ({ sessionId }) => {
        if (seen.length > 1) return
        await enqueue(newJob(sessionId))
        await gate
      })
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue(newJob('again'))
      await runs(seen, 1)
      await enqueue(newJob('b'))
      await enqueue(newJob('c'))
      resolve()
      await idle()
      expect(seen.map(({ sessionId }) => sessionId)).toEqual(['again', 'b', 'c', 'again'])
    })

    it('takes a job of the same session again once the first one is done', async () => {
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      for (const count of [1, 2, 3]) {
        await enqueue(newJob('same'))
        await runs(seen, count)
        await idle()
      }
      expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 })
    })

    it('does not try again after an error that says so, and runs what was asked meanwhile', async () => {
      const { promise: gate, resolve } = createGate()
      const { handlers, seen } = createRecorder(async () => {
        await gate
        throw new FinalError('no use')
      })
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue(newJob('same'))
      await runs(seen, 1)
      await enqueue(newJob('same'))
      resolve()
      await failures(2)
      await enqueue(newJob('same'))
      await failures(3)
      expect(seen).toHaveLength(3)
    })

    it('tries again after any other error, later each time, and is one job meanwhile', async () => {
      const times: number[] = []
      const { handlers, seen } = createRecorder(() => {
        times.push(performance.now())
        return times.length < 3 ? Promise.reject(new Error('for now')) : Promise.resolve()
      })
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue(newJob('same'))
      await eventually(
        () => queue.counts(),
        ({ delayed }) => delayed === 1,
      )
      await enqueue(newJob('same'))
      await eventually(
        () => times.length,
        (count) => count === 3,
        10_000,
      )
      expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(200)
      expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(400)
      await idle()
      expect(new Set(seen.map(({ requestId }) => requestId)).size).toBe(1)
    })

    it('keeps what was asked during a run that failed until a later try has succeeded', async () => {
      const { promise: gate, resolve } = createGate()
      const { handlers, seen } = createRecorder(async () => {
        await gate
        if (seen.length === 1) throw new Error('for now')
      })
      await queue.consume(handlers, { concurrency: 1 })
      const [first, second] = [newJob('same'), newJob('same')]
      await enqueue(first)
      await runs(seen, 1)
      await enqueue(second)
      resolve()
      await runs(seen, 3)
      await idle()
      expect(seen).toEqual([first, first, second])
    })

    it('runs at most as many jobs at once as it was told', async () => {
      let now = 0
      let most = 0
      const { handlers, seen } = createRecorder(async () => {
        most = Math.max(most, ++now)
        await new Promise((resolve) => setTimeout(resolve, 5))
        now--
      })
      await queue.consume(handlers, { concurrency: 4 })
      await Promise.all(Array.from({ length: 50 }, () => enqueue()))
      await runs(seen, 50)
      expect(most).toBe(4)
    })

    it('drops a payload that is none, names its session, and frees its key', async () => {
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      const malformed = { ...newJob('same'), requestId: 'somebody wrote this' }
      await enqueue(malformed)
      const { refused } = harness.hooks
      await eventually(
        () => refused.length,
        (count) => count === 1,
      )
      expect(refused[0]).toMatchObject({ source: 'job', ids: { sessionId: 'same' } })
      expect(JSON.stringify(refused)).not.toContain('somebody')
      await idle()
      await enqueue(newJob('same'))
      await runs(seen, 1)
    })

    it('leaves what only a newer worker can do, and does what it can in the same session', async () => {
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue({ ...newJob('same'), v: 2 } as unknown as AnswerJob)
      await eventually(
        () => queue.counts(),
        ({ delayed }) => delayed === 1,
      )
      await enqueue(newJob('same'))
      await runs(seen, 1)
      expect(await queue.counts()).toMatchObject({ delayed: 1, failed: 0 })
      expect(harness.hooks.refused).toEqual([])
    })

    it('aborts what runs when it closes, and waits for it', async () => {
      const ended: unknown[] = []
      const { handlers, seen } = createRecorder((payload, signal) =>
        untilAborted(payload, signal).finally(() => ended.push(signal.aborted)),
      )
      await queue.consume(handlers, { concurrency: 2 })
      await Promise.all([enqueue(), enqueue(), enqueue()])
      await runs(seen, 2)
      expect(await timeMs(() => queue.close(5000))).toBeLessThan(2000)
      expect(ended).toEqual([true, true])
      expect(seen).toHaveLength(2)
    })

    it('closes in time when a handler does not end', async () => {
      const { promise: never } = createGate()
      const { handlers, seen } = createRecorder(() => never)
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue()
      await runs(seen, 1)
      const took = await timeMs(() => queue.close(300))
      expect(took).toBeGreaterThan(290)
      expect(took).toBeLessThan(2500)
    })

    it('closes once, however often it is asked', async () => {
      await queue.consume(createRecorder().handlers, { concurrency: 1 })
      await Promise.all([queue.close(), queue.close(0)])
      await queue.close()
      await expect(enqueue()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true })
      await expect(queue.ping()).rejects.toBeInstanceOf(AppError)
    })
  })
}
