import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { RateDecision, RateLimiter, RateRule } from '@chatbox/core'
import { eventually, newId } from './redis.support.ts'

export interface LimiterHarness {
  limiter: RateLimiter
  /** Of another process that shares the counts, or the same one where there is but one. */
  other: RateLimiter
  close(): Promise<void>
}

export const newRule = (over: Partial<RateRule> = {}): RateRule => ({
  name: newId(),
  points: 3,
  durationMs: 60_000,
  ...over,
})

export const countAllowed = (decisions: RateDecision[]): number =>
  decisions.filter(({ allowed }) => allowed).length

export function describeRateLimiter(name: string, open: () => Promise<LimiterHarness>): void {
  describe(`RateLimiter: ${name}`, () => {
    let harness: LimiterHarness
    let limiter: RateLimiter
    let other: RateLimiter
    beforeEach(async () => {
      harness = await open()
      ;({ limiter, other } = harness)
    })
    afterEach(() => harness.close())

    it('allows as many as the rule has points, over all processes, and says when to come back', async () => {
      const rule = newRule()
      expect(await limiter.take(rule, 'ada')).toEqual({ allowed: true })
      expect(await other.take(rule, 'ada')).toEqual({ allowed: true })
      expect(await limiter.take(rule, 'ada')).toEqual({ allowed: true })
      const refused = await other.take(rule, 'ada')
      if (refused.allowed) throw new Error('a fourth was allowed')
      expect(refused.retryAfterMs).toBeGreaterThan(50_000)
      expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000)
    })

    it('counts each rule and each key for itself', async () => {
      const [rule, another] = [newRule({ points: 1 }), newRule({ points: 1 })]
      expect(await limiter.take(rule, 'ada')).toEqual({ allowed: true })
      expect(await limiter.take(another, 'ada')).toEqual({ allowed: true })
      expect(await limiter.take(rule, 'bob')).toEqual({ allowed: true })
      expect(await limiter.take(rule, 'ada')).toMatchObject({ allowed: false })
    })

    it('takes any key, however long or strange', async () => {
      const rule = newRule({ points: 1 })
      for (const key of ['', '::1', 'a b', '日本', '\u0000\n', 'x'.repeat(10_000)]) {
        expect(await limiter.take(rule, key)).toEqual({ allowed: true })
        expect(await other.take(rule, key)).toMatchObject({ allowed: false })
      }
    })

    it('forgets when the window is over', async () => {
      const rule = newRule({ points: 1, durationMs: 1000 })
      await limiter.take(rule, 'ada')
      const refused = await limiter.take(rule, 'ada')
      if (refused.allowed) throw new Error('a second was allowed')
      expect(refused.retryAfterMs).toBeLessThanOrEqual(1000)
      const start = performance.now()
      await eventually(
        () => limiter.take(rule, 'ada'),
        ({ allowed }) => allowed,
        3000,
      )
      expect(performance.now() - start).toBeGreaterThan(refused.retryAfterMs - 100)
    })

    it('refuses nobody who has points left, also where a window ends while they ask', async () => {
      const rule = newRule({ points: 1_000_000, durationMs: 1000, batch: 2 })
      const decisions: RateDecision[] = []
      const until = performance.now() + 2200
      while (performance.now() < until) decisions.push(await limiter.take(rule, 'ada'))
      expect(decisions.filter(({ allowed }) => !allowed)).toEqual([])
    })

    it.each([
      ['one by one', undefined],
      ['in batches', 4],
    ])(
      'takes several points at once, and what is left where those are too many, %s',
      async (_, batch) => {
        const rule = newRule({ points: 20, ...(batch && { batch }) })
        expect(await limiter.take(rule, 'ada')).toEqual({ allowed: true })
        expect(await limiter.take(rule, 'ada', 9)).toEqual({ allowed: true })
        expect(await other.take(rule, 'ada', 8)).toEqual({ allowed: true })
        expect(await limiter.take(rule, 'ada', 5)).toMatchObject({ allowed: false })
        for (const each of [limiter, other]) {
          expect(await each.take(rule, 'ada')).toMatchObject({ allowed: false })
        }
        expect(await other.take(rule, 'bob', 20)).toEqual({ allowed: true })
        expect(await other.take(rule, 'eve', 21)).toMatchObject({ allowed: false })
      },
    )

    it('gives 50 callers who want several at once no more than there is', async () => {
      const rule = newRule({ points: 60, batch: 6 })
      const decisions = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          (index % 2 ? limiter : other).take(rule, 'ada', 1 + (index % 4)),
        ),
      )
      const taken = decisions.map(({ allowed }, index) => (allowed ? 1 + (index % 4) : 0))
      expect(taken.reduce((sum, points) => sum + points, 0)).toBeLessThanOrEqual(60)
      expect(await limiter.take(rule, 'ada')).toMatchObject({ allowed: false })
    })

    it('allows exactly the points to 50 callers at once', async () => {
      const rule = newRule({ points: 20 })
      const decisions = await Promise.all(
        Array.from({ length: 50 }, (_, index) => (index % 2 ? limiter : other).take(rule, 'ada')),
      )
      expect(countAllowed(decisions)).toBe(20)
    })

    it('keeps to the points in batches too, over all processes', async () => {
      const rule = newRule({ points: 40, batch: 6 })
      const decisions = await Promise.all(
        Array.from({ length: 90 }, (_, index) => (index % 2 ? limiter : other).take(rule, 'ada')),
      )
      expect(countAllowed(decisions)).toBe(40)
    })

    it('decides in the order of asking, however fast one key asks', async () => {
      const rule = newRule({ points: 1_000_000, batch: 3 })
      const order: number[] = []
      const takes: Promise<unknown>[] = []
      for (let turn = 0; turn < 2000; turn++) {
        takes.push(limiter.take(rule, 'ada').then(() => order.push(turn)))
        // What has arrived is read between two of them.
        await setImmediate()
      }
      await Promise.all(takes)
      expect(order).toEqual(Array.from({ length: 2000 }, (_, turn) => turn))
    })
  })
}
