import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { ExpiryWatch } from './expiry.ts'

const DAY_MS = 24 * 60 * 60_000

describe('ExpiryWatch', () => {
  let calls: string[]
  const watch = () => {
    const expiries = new ExpiryWatch({ now: () => new Date() })
    const one = {
      expiresAtMs: 0,
      isWarned: false,
      onExpiring: () => void calls.push('expiring'),
      onExpired: () => void calls.push('expired'),
    }
    return {
      set(expiresAt: Date) {
        one.expiresAtMs = expiresAt.getTime()
        expiries.start(one)
      },
      stop: () => expiries.stop(one),
    }
  }
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

  it('watches many over one timer, each by its own end', () => {
    const expiries = new ExpiryWatch({ now: () => new Date() })
    for (const [name, durationMs] of Object.entries({ b: 300_000, a: 100_000, c: 500_000 })) {
      expiries.start({
        expiresAtMs: Date.now() + durationMs,
        isWarned: false,
        onExpiring: () => void calls.push(`${name} expiring`),
        onExpired: () => void calls.push(`${name} expired`),
      })
    }
    expect(jest.getTimerCount()).toBe(1)
    jest.advanceTimersByTime(101_000)
    expect(calls).toEqual(['a expiring', 'a expired'])
    jest.advanceTimersByTime(500_000)
    expect(calls.slice(2)).toEqual(['b expiring', 'b expired', 'c expiring', 'c expired'])
    expect(jest.getTimerCount()).toBe(0)
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
