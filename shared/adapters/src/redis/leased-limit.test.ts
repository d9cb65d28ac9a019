import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { LeasedLimit, type Grant } from './leased-limit.ts'

const WINDOW_MS = 60_000

/** A shared count in one process, with a clock that is moved by hand and by each answer's way back. */
function openShared(points: number, backMs = 0) {
  const clock = { now: 0 }
  const windows = new Map<string, { left: number; endsAt: number }>()
  let asked = 0
  const askShared = async (key: string, batch: number): Promise<Grant> => {
    asked += 1
    const known = windows.get(key)
    const window =
      known && known.endsAt > clock.now ? known : { left: points, endsAt: clock.now + WINDOW_MS }
    windows.set(key, window)
    const given = Math.min(batch, window.left)
    window.left -= given
    const endsInMs = window.endsAt - clock.now
    await Promise.resolve()
    clock.now += backMs
    return { points: given, endsInMs }
  }
  const openProcess = (batch: number): LeasedLimit =>
    new LeasedLimit({ batch, askShared, now: () => clock.now })
  return { clock, openProcess, asked: () => asked }
}

async function takeInTurn(limit: LeasedLimit, times: number): Promise<number> {
  let allowed = 0
  for (let turn = 0; turn < times; turn++) if ((await limit.take('ada')).allowed) allowed += 1
  return allowed
}

describe('a leased limit', () => {
  it('asks once a batch', async () => {
    const { openProcess, asked } = openShared(100)
    expect(await takeInTurn(openProcess(10), 40)).toBe(40)
    expect(asked()).toBe(4)
  })

  it('never allows more than the points, and refuses at most what other processes hold', async () => {
    const takes = fc.array(fc.nat(3), { maxLength: 120 })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 12 }),
        takes,
        check,
      ),
      { numRuns: 300 },
    )
    async function check(points: number, batch: number, from: number[]): Promise<void> {
      const { openProcess } = openShared(points)
      const processes = Array.from({ length: 4 }, () => openProcess(batch))
      let allowed = 0
      for (const index of from) {
        const decision = await processes[index]?.take('ada')
        if (decision?.allowed) allowed += 1
        else expect(allowed).toBeGreaterThanOrEqual(points - 3 * (batch - 1))
      }
      expect(allowed).toBeLessThanOrEqual(points)
    }
  })

  it('gives those who ask at the same time every point, and not one more', async () => {
    const { openProcess } = openShared(20)
    const limit = openProcess(7)
    const decisions = await Promise.all(Array.from({ length: 50 }, () => limit.take('ada')))
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(20)
  })

  it('decides in the order of asking, with as few questions as that takes', async () => {
    const order: number[] = []
    const answers: (() => void)[] = []
    const limit = new LeasedLimit({
      batch: 3,
      askShared: () =>
        new Promise((resolve) => answers.push(() => resolve({ points: 3, endsInMs: WINDOW_MS }))),
    })
    const takes: Promise<unknown>[] = []
    const take = (caller: number): void => {
      takes.push(limit.take('ada').then(() => order.push(caller)))
    }
    for (let caller = 1; caller <= 4; caller++) take(caller)
    answers[0]?.()
    // Three have theirs by now; the fourth still waits for the second batch, which has room.
    await setImmediate()
    take(5)
    answers[1]?.()
    await setImmediate()
    take(6)
    await Promise.all(takes)
    expect(order).toEqual([1, 2, 3, 4, 5, 6])
    expect(answers).toHaveLength(2)
  })

  it('lets nobody wait for a batch that failed, and asks anew', async () => {
    let isAway = true
    const askShared = async (): Promise<Grant> => {
      await setImmediate()
      if (isAway) throw new Error('away')
      return { points: 3, endsInMs: WINDOW_MS }
    }
    const limit = new LeasedLimit({ batch: 3, askShared })
    const first = [limit.take('ada'), limit.take('ada')]
    const outcomes = await Promise.allSettled(first)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    isAway = false
    expect(await limit.take('ada')).toEqual({ allowed: true })
  })

  it('takes several points of the lease, and asks for those that it does not have', async () => {
    const { openProcess, asked } = openShared(30)
    const limit = openProcess(10)
    await limit.take('ada')
    expect(await limit.take('ada', 9)).toEqual({ allowed: true })
    expect(asked()).toBe(1)
    await limit.take('ada')
    expect(await limit.take('ada', 15)).toEqual({ allowed: true })
    expect(asked()).toBe(3)
    // Four are left.
    expect(await limit.take('ada', 5)).toMatchObject({ allowed: false })
    expect(await limit.take('ada')).toMatchObject({ allowed: false })
  })

  it('forgets what was not spent when the window ends', async () => {
    const { clock, openProcess, asked } = openShared(5)
    const limit = openProcess(5)
    expect(await takeInTurn(limit, 1)).toBe(1)
    clock.now += WINDOW_MS
    expect(await takeInTurn(limit, 8)).toBe(5)
    expect(await limit.take('ada')).toEqual({ allowed: false, retryAfterMs: WINDOW_MS })
    expect(asked()).toBeGreaterThan(2)
  })

  it('gives a caller who asked within a window its point, though the window ended meanwhile', async () => {
    const { clock, openProcess } = openShared(5, 20)
    const limit = openProcess(1)
    expect(await takeInTurn(limit, 1)).toBe(1)
    clock.now = WINDOW_MS - 10
    expect(await takeInTurn(limit, 1)).toBe(1)
    expect(await takeInTurn(limit, 6)).toBe(5)
  })

  it('holds a bounded number of leases, the newest', async () => {
    const { openProcess, asked } = openShared(2)
    const limit = openProcess(2)
    for (let index = 0; index <= 10_000; index++) await limit.take(`user-${index}`)
    const before = asked()
    expect((await limit.take('user-10000')).allowed).toBe(true)
    expect(asked()).toBe(before)
    expect((await limit.take('user-0')).allowed).toBe(false)
  })
})
