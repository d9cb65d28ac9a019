import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { startWatchdog } from './watchdog.ts'

describe('startWatchdog', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  const start = (
    isIdle: () => boolean,
    countWaiting: () => Promise<number>,
  ): { restarts: () => number; stop: () => void } => {
    let restarts = 0
    const stop = startWatchdog({
      stuckAfterMs: 15_000,
      isIdle,
      countWaiting,
      restart: async () => {
        restarts++
      },
    })
    return { restarts: () => restarts, stop }
  }

  it('restarts a worker that runs nothing for 15 s while jobs wait, and again after that', async () => {
    const { restarts, stop } = start(
      () => true,
      () => Promise.resolve(1),
    )
    await jest.advanceTimersByTimeAsync(15_000)
    expect(restarts()).toBe(0)
    await jest.advanceTimersByTimeAsync(3_000)
    expect(restarts()).toBe(1)
    await jest.advanceTimersByTimeAsync(18_000)
    expect(restarts()).toBe(2)
    stop()
    await jest.advanceTimersByTimeAsync(60_000)
    expect(restarts()).toBe(2)
  })

  it('leaves a worker alone that works, that has nothing to do, or whose Redis is away', async () => {
    const all = [
      start(
        () => false,
        () => Promise.resolve(5),
      ),
      start(
        () => true,
        () => Promise.resolve(0),
      ),
      start(
        () => true,
        () => Promise.reject(new Error('away')),
      ),
    ]
    await jest.advanceTimersByTimeAsync(120_000)
    expect(all.map(({ restarts }) => restarts())).toEqual([0, 0, 0])
    for (const { stop } of all) stop()
  })
})
