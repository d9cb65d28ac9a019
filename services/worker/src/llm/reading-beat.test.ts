import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { nextBeat } from './reading-beat.ts'

describe('the beat of reading', () => {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it('comes about as late as asked, and for all at the same moments', async () => {
    const moments = new Set<number>()
    for (let offsetMs = 0; offsetMs < 20; offsetMs++) {
      const askedAt = performance.now()
      const beat = nextBeat(45).then(() => {
        moments.add(Math.round(performance.now()) % 10)
        expect(performance.now() - askedAt).toBeGreaterThanOrEqual(39)
        expect(performance.now() - askedAt).toBeLessThanOrEqual(51)
      })
      await jest.advanceTimersByTimeAsync(60)
      await beat
      await jest.advanceTimersByTimeAsync(1)
    }
    expect(moments.size).toBe(1)
  })
})
