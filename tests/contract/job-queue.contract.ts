import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JobPayload } from '@chatbox/contract'
import { AppError, type JobHandlers, type JobQueue } from '@chatbox/core'
import { eventually, newId, timeMs, type CountedHooks } from './redis.support.ts'

export interface QueueHarness {
  queue: JobQueue
  hooks: CountedHooks
  close(): Promise<void>
}

export type AnswerJob = JobPayload<'answer-message'>

export const newJob = (): AnswerJob => ({
  v: 1,
  sessionId: newId(),
  messageId: newId(),
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
      'answer-message': (payload, signal) => {
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

    const enqueue = (payload = newJob(), id = newId()): Promise<void> =>
      queue.enqueue('answer-message', payload, id)

    it('runs a job that was there before anyone consumed, with an equal payload', async () => {
      const payload = newJob()
      await enqueue(payload)
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      await eventually(
        () => seen.length,
        (count) => count === 1,
      )
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

    it('drops a second job of the same id while the first one waits', async () => {
      await enqueue(newJob(), 'same')
      await enqueue(newJob(), 'same')
      expect(await queue.counts()).toEqual({ waiting: 1, active: 0, delayed: 0, failed: 0 })
    })

    it('drops a second job of the same id while the first one runs', async () => {
      const { promise: gate, resolve } = createGate()
      const { handlers, seen } = createRecorder(() => gate)
      await queue.consume(handlers, { concurrency: 5 })
      await enqueue(newJob(), 'same')
      await eventually(
        () => seen.length,
        (count) => count === 1,
      )
      await enqueue(newJob(), 'same')
      await enqueue(newJob(), 'other')
      await eventually(
        () => seen.length,
        (count) => count === 2,
      )
      expect(await queue.counts()).toMatchObject({ waiting: 0, active: 2 })
      resolve()
    })

    it('takes a job of the same id again once the first one is done', async () => {
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      for (const count of [1, 2, 3]) {
        await enqueue(newJob(), 'same')
        await eventually(
          () => seen.length,
          (length) => length === count,
        )
        await eventually(
          () => queue.counts(),
          ({ active }) => active === 0,
        )
      }
      expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 })
    })

    it('does not try again after an error that says so, and frees the id', async () => {
      const { handlers, seen } = createRecorder(() => Promise.reject(new FinalError('no use')))
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue(newJob(), 'same')
      await eventually(
        () => queue.counts(),
        ({ failed }) => failed === 1,
      )
      await enqueue(newJob(), 'same')
      await eventually(
        () => queue.counts(),
        ({ failed }) => failed === 2,
      )
      expect(seen).toHaveLength(2)
    })

    it('tries again after any other error, later each time, and keeps the id meanwhile', async () => {
      const times: number[] = []
      const { handlers, seen } = createRecorder(() => {
        times.push(performance.now())
        return times.length < 3 ? Promise.reject(new Error('for now')) : Promise.resolve()
      })
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue(newJob(), 'same')
      await eventually(
        () => queue.counts(),
        ({ delayed }) => delayed === 1,
      )
      await enqueue(newJob(), 'same')
      await eventually(
        () => times.length,
        (count) => count === 3,
        10_000,
      )
      expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(200)
      expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(400)
      expect(new Set(seen.map((payload) => payload.messageId)).size).toBe(1)
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
      await eventually(
        () => seen.length,
        (count) => count === 50,
      )
      expect(most).toBe(4)
    })

    it('takes one job from 50 callers with one id, and 50 from 50 with their own', async () => {
      const shared = newJob()
      await Promise.all(Array.from({ length: 50 }, () => enqueue(shared, 'same')))
      await Promise.all(Array.from({ length: 50 }, (_, index) => enqueue(newJob(), `own-${index}`)))
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 10 })
      await eventually(
        () => seen.length,
        (count) => count >= 51,
      )
      await eventually(
        () => queue.counts(),
        ({ waiting, active }) => waiting + active === 0,
      )
      expect(new Set(seen.map((payload) => payload.messageId)).size).toBe(51)
      expect(seen).toHaveLength(51)
    })

    it('drops a payload that is none, names its ids, and frees the id', async () => {
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      const malformed = { ...newJob(), text: 'somebody wrote this' }
      await enqueue(malformed, 'same')
      const { refused } = harness.hooks
      await eventually(
        () => refused.length,
        (count) => count === 1,
      )
      const { sessionId, messageId } = malformed
      expect(refused[0]).toMatchObject({ source: 'job', ids: { sessionId, messageId } })
      expect(JSON.stringify(refused)).not.toContain('somebody')
      await eventually(
        () => queue.counts(),
        ({ active }) => active === 0,
      )
      await enqueue(newJob(), 'same')
      await eventually(
        () => seen.length,
        (count) => count === 1,
      )
    })

    it('leaves what only a newer worker knows', async () => {
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue({ ...newJob(), v: 2 } as unknown as AnswerJob)
      await queue.enqueue('fold-laundry' as 'answer-message', newJob(), newId())
      await enqueue()
      await eventually(
        () => queue.counts(),
        ({ delayed, waiting, active }) => delayed === 2 && waiting + active === 0,
      )
      expect(seen).toHaveLength(1)
      expect(harness.hooks.refused).toEqual([])
    })

    it('aborts what runs when it closes, and waits for it', async () => {
      const ended: unknown[] = []
      const { handlers, seen } = createRecorder((payload, signal) =>
        untilAborted(payload, signal).finally(() => ended.push(signal.aborted)),
      )
      await queue.consume(handlers, { concurrency: 2 })
      await Promise.all([enqueue(), enqueue(), enqueue()])
      await eventually(
        () => seen.length,
        (count) => count === 2,
      )
      expect(await timeMs(() => queue.close(5000))).toBeLessThan(2000)
      expect(ended).toEqual([true, true])
      expect(seen).toHaveLength(2)
    })

    it('closes in time when a handler does not end', async () => {
      const { promise: never } = createGate()
      const { handlers, seen } = createRecorder(() => never)
      await queue.consume(handlers, { concurrency: 1 })
      await enqueue()
      await eventually(
        () => seen.length,
        (count) => count === 1,
      )
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

    it('refuses a malformed id', async () => {
      for (const id of ['', 'with:colon', 'with space', 'x'.repeat(201)]) {
        await expect(enqueue(newJob(), id)).rejects.toBeInstanceOf(AppError)
      }
      expect((await queue.counts()).waiting).toBe(0)
    })
  })
}
