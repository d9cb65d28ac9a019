import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JobQueue } from '@chatbox/core'
import { createGate, createRecorder, newJob, type QueueHarness } from './job-queue.contract.ts'
import { eventually, newId } from './redis.support.ts'

const FLOOD = 'one-address'

/** What a lane is to everybody: whose jobs take turns with whose. */
export function describeLanes(name: string, open: () => Promise<QueueHarness>): void {
  describe(`lanes of JobQueue: ${name}`, () => {
    let harness: QueueHarness
    let queue: JobQueue
    beforeEach(async () => {
      harness = await open()
      queue = harness.queue
    })
    afterEach(() => harness.close())

    const enqueue = (lane: string | undefined, sessionId = newId()): Promise<void> =>
      queue.enqueue('answer-session', { ...newJob(sessionId), lane })
    const enqueueMany = async (lane: string | undefined, count: number): Promise<void> => {
      for (let index = 0; index < count; index++) await enqueue(lane, `${lane ?? ''}-${index}`)
    }
    /** Runs everything that waits, one at a time, and returns the lanes in order. */
    async function runAll(count: number): Promise<(string | undefined)[]> {
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      await eventually(
        () => seen.length,
        (length) => length === count,
      )
      return seen.map(({ lane }) => lane)
    }

    it('take turns', async () => {
      await enqueueMany('a', 4)
      await enqueueMany('b', 3)
      expect(await runAll(7)).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a'])
    })

    it('do not make another lane wait for their line', async () => {
      await enqueueMany(FLOOD, 72)
      await enqueueMany('another', 1)
      expect((await runAll(73)).indexOf('another')).toBeLessThanOrEqual(1)
    })

    it('are one for each job without a lane', async () => {
      await enqueueMany(FLOOD, 10)
      await enqueueMany(undefined, 5)
      const lanes = await runAll(15)
      expect(lanes.slice(1, 6)).toEqual(Array(5).fill(undefined))
    })

    it('keep the order of their calls', async () => {
      await enqueueMany('a', 5)
      const { handlers, seen } = createRecorder()
      await queue.consume(handlers, { concurrency: 1 })
      await eventually(
        () => seen.length,
        (length) => length === 5,
      )
      expect(seen.map(({ sessionId }) => sessionId)).toEqual(['a-0', 'a-1', 'a-2', 'a-3', 'a-4'])
    })

    it('lose no turn to calls for a job that waits already', async () => {
      for (let call = 0; call < 50; call++) await enqueue('a', 'impatient')
      await enqueue('a', 'patient')
      await enqueueMany('b', 4)
      expect(await runAll(6)).toEqual(['a', 'b', 'a', 'b', 'b', 'b'])
    })

    it('cannot be passed over for ever by one that always comes anew', async () => {
      await enqueueMany('a', 5)
      let runs = 0
      const { handlers, seen } = createRecorder(async ({ lane }) => {
        if (lane === 'b' && ++runs < 30) await enqueue('b')
      })
      await enqueue('b')
      await queue.consume(handlers, { concurrency: 1 })
      await eventually(
        () => seen.length,
        (length) => length === 35,
      )
      const lanes = seen.map(({ lane }) => lane)
      expect(lanes.lastIndexOf('a')).toBeLessThanOrEqual(11)
    })

    it('find a free place while another lane has jobs that take for ever', async () => {
      const { promise: gate, resolve } = createGate()
      const { handlers, seen } = createRecorder(({ lane }) =>
        lane === FLOOD ? gate : Promise.resolve(),
      )
      await queue.consume(handlers, { concurrency: 5 })
      await enqueueMany(FLOOD, 72)
      await eventually(
        () => seen.length,
        (length) => length === 4,
      )
      for (const lane of ['another', 'a-third', undefined]) {
        await enqueue(lane)
        await eventually(
          () => seen.at(-1)?.lane,
          (last) => last === lane,
        )
      }
      expect(seen.filter(({ lane }) => lane === FLOOD)).toHaveLength(4)
      resolve()
      await eventually(
        () => seen.length,
        (length) => length === 75,
      )
    })

    it('share all places when they are few', async () => {
      const { promise: gate, resolve } = createGate()
      const { handlers, seen } = createRecorder(() => gate)
      await queue.consume(handlers, { concurrency: 2 })
      await enqueueMany(FLOOD, 3)
      await eventually(
        () => seen.length,
        (length) => length === 2,
      )
      resolve()
    })

    it('know how long a line takes once it moves, each its own', async () => {
      expect(queue.expectedWaitMs(FLOOD)).toBe(0)
      await enqueueMany(FLOOD, 200)
      const { handlers } = createRecorder(() => new Promise((resolve) => setTimeout(resolve, 100)))
      await queue.consume(handlers, { concurrency: 1 })
      let asked = 0
      await eventually(
        async () => {
          // A gateway learns from its own questions.
          await enqueue(FLOOD, `late-${asked++}`)
          return queue.expectedWaitMs(FLOOD)
        },
        (waitMs) => waitMs > 10_000 && waitMs < 90_000,
      )
      await enqueue('another', 'first')
      expect(queue.expectedWaitMs('another')).toBeLessThan(1000)
    })
  })
}
