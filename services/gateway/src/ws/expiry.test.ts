import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { watchExpiry } from './expiry.ts'

const DAY_MS = 24 * 60 * 60_000

describe('watchExpiry', () => {
  let calls: string[]
  const watch = () =>
    watchExpiry(
      { now: () => new Date() },
      { onExpiring: () => calls.push('expiring'), onExpired: () => calls.push('expired') },
    )
  const inMs = (durationMs: number) => new Date(Date.now() + durationMs)

  beforeEach(() => {
    calls = []
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it('warns a minute before, and ends at the end', () => {
    watch().set(inMs(100_000))
    jest.advanceTimersByTime(39_000)
    expect(calls).toEqual([])
    jest.advanceTimersByTime(2000)
    expect(calls).toEqual(['expiring'])
    jest.advanceTimersByTime(58_000)
    expect(calls).toEqual(['expiring'])
    jest.advanceTimersByTime(2000)
    expect(calls).toEqual(['expiring', 'expired'])
  })

  it('warns at once where less than a minute is left', () => {
    watch().set(inMs(5000))
    jest.advanceTimersByTime(1)
    expect(calls).toEqual(['expiring'])
  })

  it('waits longer than one timer of Node can', () => {
    watch().set(inMs(60 * DAY_MS))
    jest.advanceTimersByTime(59 * DAY_MS)
    expect(calls).toEqual([])
    jest.advanceTimersByTime(2 * DAY_MS)
    expect(calls).toEqual(['expiring', 'expired'])
  })

  it('begins anew with another token, and ends with stop', () => {
    const expiry = watch()
    expiry.set(inMs(100_000))
    jest.advanceTimersByTime(50_000)
    expiry.set(inMs(DAY_MS))
    jest.advanceTimersByTime(100_000)
    expect(calls).toEqual(['expiring'])
    expiry.stop()
    jest.advanceTimersByTime(2 * DAY_MS)
    expect(calls).toEqual(['expiring'])
    expect(jest.getTimerCount()).toBe(0)
  })
})
