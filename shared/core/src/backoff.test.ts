import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { backoffMs } from './backoff.ts'

describe('backoffMs', () => {
  it('doubles its ceiling from the base to the maximum', () => {
    const ceilings = [1, 2, 3, 4, 5].map((attempt) =>
      backoffMs(attempt, { baseMs: 100, maxMs: 500 }, () => 0.999_999),
    )
    expect(ceilings).toEqual([100, 200, 400, 500, 500])
  })

  it('lies between half of the ceiling and the ceiling, at any attempt', () => {
    const settings = fc.record({
      attempt: fc.integer({ min: 1, max: 5000 }),
      baseMs: fc.integer({ min: 1, max: 10_000 }),
      maxMs: fc.integer({ min: 1, max: 100_000 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    })
    fc.assert(
      fc.property(settings, ({ attempt, baseMs, maxMs, random }) => {
        const ceiling = Math.min(maxMs, baseMs * 2 ** (attempt - 1))
        const pause = backoffMs(attempt, { baseMs, maxMs }, () => random)
        expect(pause).toBeGreaterThanOrEqual(Math.floor(ceiling / 2))
        expect(pause).toBeLessThanOrEqual(ceiling)
      }),
    )
  })
})
