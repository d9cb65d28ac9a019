import { describe, expect, it } from '@jest/globals'
import { LineRate } from './line-rate.ts'

describe('LineRate', () => {
  it('knows a wait once the line has moved', () => {
    const rate = new LineRate()
    rate.note({ waiting: 100, served: 10 }, 0)
    expect(rate.waitMs(100)).toBe(0)
    rate.note({ waiting: 100, served: 20 }, 1000)
    expect(rate.waitMs(100)).toBe(10_000)
    expect(rate.waitMs(100, 4000)).toBe(6000)
    expect(rate.waitMs(100, 60_000)).toBe(0)
    expect(rate.waitMs(19)).toBe(0)
  })

  it('never takes a second in which nothing left the line for a wait without end', () => {
    const rate = new LineRate()
    rate.note({ waiting: 50, served: 7 }, 0)
    rate.note({ waiting: 60, served: 7 }, 1500)
    expect(rate.waitMs(60)).toBe(0)
    rate.note({ waiting: 60, served: 9 }, 2000)
    expect(rate.waitMs(60)).toBe(60_000)
    rate.note({ waiting: 60, served: 9 }, 3500)
    expect(rate.waitMs(60)).toBe(60_000)
  })

  it('forgets what it knew when the line was empty, or when it has not looked for long', () => {
    const rate = new LineRate()
    rate.note({ waiting: 50, served: 0 }, 0)
    rate.note({ waiting: 50, served: 10 }, 1000)
    rate.note({ waiting: 0, served: 60 }, 2000)
    expect(rate.waitMs(50)).toBe(0)
    rate.note({ waiting: 50, served: 60 }, 3000)
    rate.note({ waiting: 50, served: 70 }, 4000)
    expect(rate.waitMs(50)).toBe(5000)
    rate.note({ waiting: 50, served: 71 }, 8000)
    expect(rate.waitMs(50)).toBe(0)
  })
})
