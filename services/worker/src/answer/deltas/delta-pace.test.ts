import { describe, expect, it } from '@jest/globals'
import { createDeltaPace, DeltaPace } from './delta-pace.ts'

function openPace(longestMs = 100) {
  const process = { load: 0, nowMs: 0, samples: 0 }
  const pace = new DeltaPace({
    longestMs,
    now: () => process.nowMs,
    utilisation: () => {
      process.samples++
      return process.load
    },
  })
  /** Lets the process be this busy for a while, and returns the interval at its end. */
  function run(load: number, ms: number): number {
    process.load = load
    for (const endMs = process.nowMs + ms; process.nowMs < endMs; process.nowMs += 20) {
      pace.intervalMs()
    }
    return pace.intervalMs()
  }
  return { pace, process, run }
}

describe('DeltaPace', () => {
  it('is short while the process is idle and long while it is busy', () => {
    const { run } = openPace()
    expect(run(0.03, 1000)).toBe(15)
    expect(run(0.95, 3000)).toBe(100)
    expect(run(0.03, 3000)).toBe(15)
  })

  it('lies in between at a moderate load, and grows with it', () => {
    const intervals = [0.3, 0.4, 0.5, 0.6].map((load) => openPace().run(load, 5000))
    expect(intervals).toEqual([...intervals].sort((a, b) => a - b))
    expect(intervals[0]).toBeGreaterThan(15)
    expect(intervals[3]).toBeLessThan(100)
    expect(new Set(intervals).size).toBe(4)
  })

  it('does not jump at one busy moment', () => {
    const { run } = openPace()
    run(0.05, 1000)
    expect(run(1, 100)).toBeLessThan(30)
  })

  it('does not swing with a load that does', () => {
    const { run } = openPace()
    run(0.5, 5000)
    const seen = Array.from({ length: 40 }, (_, index) => run(index % 2 === 0 ? 0.47 : 0.53, 100))
    expect(new Set(seen).size).toBe(1)
  })

  it('samples at most ten times a second, however often it is asked', () => {
    const { pace, process, run } = openPace()
    for (let asked = 0; asked < 1000; asked++) pace.intervalMs()
    expect(process.samples).toBe(0)
    run(0.1, 1000)
    expect(process.samples).toBeLessThanOrEqual(10)
  })

  it.each([
    [1, 15],
    [2, 20],
    [5, 50],
    [10, 100],
    [300, 100],
  ])('at %p replies of an idle process waits %p ms', (replies, intervalMs) => {
    const { pace, run } = openPace()
    run(0, 1000)
    for (let joined = 0; joined < replies; joined++) pace.join()
    expect(pace.intervalMs()).toBe(intervalMs)
  })

  it('is short again when the other replies have ended', () => {
    const { pace, run } = openPace()
    run(0, 1000)
    const leave = Array.from({ length: 50 }, () => pace.join())
    for (const end of leave) end()
    expect(pace.intervalMs()).toBe(15)
  })

  it.each([0, 10])('never exceeds a bound of %p ms', (longestMs) => {
    const { pace, run } = openPace(longestMs)
    for (let joined = 0; joined < 50; joined++) pace.join()
    expect(run(1, 3000)).toBe(longestMs)
  })

  it('follows the event loop of the process', async () => {
    const pace = createDeltaPace(100)
    const until = (ms: number) => performance.now() + ms
    const busyUntil = until(600)
    for (; performance.now() < busyUntil;) {
      await new Promise((resolve) => setImmediate(resolve))
      for (const end = until(5); performance.now() < end;);
      pace.intervalMs()
    }
    expect(pace.intervalMs()).toBeGreaterThan(15)
  })
})
