import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { MemoryJobQueue } from './memory-job-queue.ts'

const newJob = (sessionId = 'session') => ({ v: 1, sessionId, requestId: 'request' }) as const

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
