import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { AppError, type ReplyTask, type Taking } from '@chatbox/core'
import { createLogger, createMetrics } from '@chatbox/kit'
import { TIMING, type Context } from '../context.ts'
import { createFinisher } from './reconcile.ts'

const GRACE_MS = TIMING.leaseMs
const TAKING = { forMs: 5000, limit: 100 }
const EXPIRED = { sessionId: 's', messageId: 'm', state: 'running', lane: 'lane-1' } as ReplyTask

function createSweep() {
  const enqueued: string[] = []
  const lanes: unknown[] = []
  const store = { isAway: false, asked: [] as Taking[] }
  const context = {
    replies: {
      async takeUnfinished(taking: Taking) {
        if (store.isAway) throw new AppError('UNAVAILABLE', 'away')
        store.asked.push(taking)
        return [EXPIRED]
      },
    },
    queue: {
      enqueue: async (_name: string, job: { sessionId: string; lane?: string }) => {
        enqueued.push(job.sessionId)
        lanes.push(job.lane)
      },
    },
    clock: { newId: () => 'id' },
    logger: createLogger('test', 'silent'),
    metrics: createMetrics(),
    timing: TIMING,
  } as unknown as Context
  return { sweep: createFinisher(context, TAKING), store, enqueued, lanes }
}

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

it('asks for a worker for what runs under an ended lease', async () => {
  const { sweep, store, enqueued, lanes } = createSweep()
  await sweep()
  expect(store.asked).toEqual([TAKING])
  expect(enqueued).toEqual(['s'])
  // A question whose job is lost takes no other turn than before.
  expect(lanes).toEqual(['lane-1'])
})

it('leaves owners the time to renew when the store is back', async () => {
  const { sweep, store, enqueued } = createSweep()
  store.isAway = true
  // However long it was away, the time counts from its end.
  for (let second = 0; second < 15; second++) {
    await expect(sweep()).rejects.toThrow('away')
    jest.advanceTimersByTime(1000)
  }
  store.isAway = false
  for (let second = 1; second < GRACE_MS / 1000; second++) {
    await sweep()
    jest.advanceTimersByTime(1000)
  }
  expect(enqueued).toEqual([])
  // Nothing is kept from other workers meanwhile.
  expect(store.asked.every(({ forMs }) => forMs === 0)).toBe(true)
  await sweep()
  expect(enqueued).toEqual(['s'])
})
