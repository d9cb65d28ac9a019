import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { backoffMs, settlesWithin, within } from './time.ts'

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

describe('within', () => {
  const late = () => new Error('too late')

  it('passes on what comes in time', async () => {
    await expect(within(10_000, Promise.resolve('done'), late)).resolves.toBe('done')
    await expect(within(10_000, Promise.reject(new Error('failed')), late)).rejects.toThrow(
      'failed',
    )
  })

  it('rejects with its own error when nothing comes, and ignores what fails later', async () => {
    const work = Promise.withResolvers<string>()
    await expect(within(1, work.promise, late)).rejects.toThrow('too late')
    work.reject(new Error('much later'))
    await nextTurn()
  })

  it('counts an answer that arrived while the process was blocked', async () => {
    const work = Promise.withResolvers<string>()
    const bounded = within(1, work.promise, late)
    const until = performance.now() + 20
    while (performance.now() < until);
    setImmediate(() => work.resolve('there all along'))
    await expect(bounded).resolves.toBe('there all along')
  })
})

describe('settlesWithin', () => {
  it('says whether something ended in time, well or not', async () => {
    await expect(settlesWithin(10_000, Promise.resolve())).resolves.toBe(true)
    await expect(settlesWithin(10_000, Promise.reject(new Error('failed')))).resolves.toBe(true)
    await expect(settlesWithin(1, Promise.withResolvers().promise)).resolves.toBe(false)
  })
})
