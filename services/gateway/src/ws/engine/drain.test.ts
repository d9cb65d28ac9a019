import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { drainSockets } from './drain.ts'

describe('drainSockets', () => {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  /** How many milliseconds after the start each socket was closed, and when it was told to come back. */
  async function drain(count: number, deadlineMs: number) {
    const startedAt = performance.now()
    const told: number[] = []
    const closed: number[] = []
    const socket = {
      emit: (_event: string, payload: { reconnectAfterMs: number }) =>
        told.push(payload.reconnectAfterMs) > 0,
      disconnect: () => closed.push(performance.now() - startedAt),
    }
    const sockets = Array.from({ length: count }, () => socket) as never
    const drained = drainSockets(sockets, Math, { deadlineMs })
    await jest.advanceTimersByTimeAsync(60_000)
    await drained
    return { told, closed }
  }

  it('spreads many evenly over more than ten seconds, each at the moment that it was told', async () => {
    const { told, closed } = await drain(2000, 25_000)
    expect(closed).toHaveLength(2000)
    expect(Math.max(...closed) - Math.min(...closed)).toBeGreaterThan(10_000)
    const perSecond = Array.from(
      { length: 13 },
      (_, second) => closed.filter((atMs) => Math.floor(atMs / 1000) === second).length,
    )
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(200)
    const late = told.toSorted((a, b) => a - b).map((atMs, index) => (closed[index] ?? 0) - atMs)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThanOrEqual(101)
  })

  it('sends no more than twenty a second away where a second more or less means nothing', async () => {
    const { closed } = await drain(160, 25_000)
    const inSecond = (second: number) => closed.filter((atMs) => Math.floor(atMs / 1000) === second)
    for (let second = 0; second < 8; second++) {
      expect(inSecond(second).length).toBeLessThanOrEqual(23)
    }
    expect(Math.max(...closed)).toBeLessThanOrEqual(8100)
  })

  it('is quick with few, and keeps the deadline with many', async () => {
    expect(Math.max(...(await drain(3, 25_000)).closed)).toBeLessThanOrEqual(250)
    expect(Math.max(...(await drain(2000, 2000)).closed)).toBeLessThanOrEqual(2100)
  })

  it('is done at once with none', async () => {
    expect((await drain(0, 25_000)).closed).toEqual([])
  })
})
