import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { SlotShares } from '../common/slot-shares.ts'
import { MemoryJobQueue } from './memory-job-queue.ts'

const newJob = (sessionId = 'session') => ({ v: 1, sessionId, requestId: 'request' }) as const

/** Closes a queue whose handlers never end. */
async function closeNow(queue: MemoryJobQueue): Promise<void> {
  const closed = queue.close(0)
  await jest.advanceTimersByTimeAsync(1)
  await closed
}

describe('MemoryJobQueue', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('gives up after the fifth failure', async () => {
    const queue = new MemoryJobQueue({ onPayloadRefused: () => undefined })
    let runs = 0
    const fail = (): Promise<void> => (runs++, Promise.reject(new Error('again and again')))
    await queue.consume({ 'answer-session': fail }, { concurrency: 1 })
    await queue.enqueue('answer-session', newJob())
    await jest.advanceTimersByTimeAsync(60_000)
    expect(runs).toBe(5)
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 1 })
    await jest.advanceTimersByTimeAsync(3_600_000)
    expect((await queue.counts()).failed).toBe(0)
    await queue.close()
  })

  it('drops what no newer worker came for within an hour', async () => {
    const refused: string[] = []
    const queue = new MemoryJobQueue({
      onPayloadRefused: (_, ids) => refused.push(ids.sessionId ?? ''),
    })
    await queue.consume({ 'answer-session': () => Promise.resolve() }, { concurrency: 1 })
    await queue.enqueue('answer-session', { ...newJob(), v: 2 as 1 })
    await jest.advanceTimersByTimeAsync(3_599_000)
    expect(refused).toEqual([])
    await jest.advanceTimersByTimeAsync(10_000)
    expect(refused).toEqual(['session'])
    await queue.close()
  })

  it.each([
    ['all places are taken', 1, 'crowd'],
    ['a lane has its share of the places', 5, 'crowd'],
    ['all places are taken by others', 1, 'another'],
  ])('does not search its line for a job that has to wait: %s', async (_why, concurrency, lane) => {
    const queue = new MemoryJobQueue({ onPayloadRefused: () => undefined })
    const never = () => new Promise<never>(() => undefined)
    await queue.consume({ 'answer-session': never }, { concurrency })
    const asked = jest.spyOn(SlotShares.prototype, 'mayTake')
    for (let count = 0; count < 3000; count++) {
      await queue.enqueue('answer-session', { ...newJob(`session-${count}`), lane: 'crowd' })
    }
    for (let count = 0; count < 100; count++) {
      await queue.enqueue('answer-session', { ...newJob(`late-${count}`), lane })
    }
    expect(asked.mock.calls.length).toBeLessThan(3100 + 20)
    asked.mockRestore()
    await closeNow(queue)
  })

  it('starts a job of another lane at once, from behind a long line', async () => {
    const queue = new MemoryJobQueue({ onPayloadRefused: () => undefined })
    const begun: string[] = []
    const run = async ({ lane = '' }) => {
      begun.push(lane)
      await new Promise(() => undefined)
    }
    await queue.consume({ 'answer-session': run }, { concurrency: 5 })
    for (let count = 0; count < 50; count++) {
      await queue.enqueue('answer-session', { ...newJob(`session-${count}`), lane: 'crowd' })
    }
    await queue.enqueue('answer-session', { ...newJob('other'), lane: 'another' })
    expect(begun).toEqual(['crowd', 'crowd', 'crowd', 'crowd', 'another'])
    await closeNow(queue)
  })

  it('refuses more jobs than it has room for', async () => {
    const queue = new MemoryJobQueue({ onPayloadRefused: () => undefined })
    for (let count = 0; count < 10_000; count++) {
      await queue.enqueue('answer-session', newJob(`session-${count}`))
    }
    await expect(queue.enqueue('answer-session', newJob('one-more'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
    await queue.enqueue('answer-session', newJob('session-1'))
    await queue.close()
  })
})
