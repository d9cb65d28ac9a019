import { describe, expect, it } from '@jest/globals'
import { Allowances, createEarlyAllowance } from './allowances.ts'

const LIMITS = { rateLimit: 1, maxMessageBytes: 1024, maxConnections: 2 }
/** With these limits: the least there is. */
const FRAMES = 2000
const PER_SECOND = 1000 / 60

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('what a user may send', () => {
  it('is one for all connections, and begins with what is left', () => {
    const allowances = new Allowances(LIMITS)
    const first = allowances.of('ann', 0)
    expect(first.frames.take(FRAMES - 1, 0)).toBe(true)
    const second = allowances.of('ann', 0)
    expect(second.frames.take(1, 0)).toBe(true)
    expect(first.frames.take(1, 0)).toBe(false)
    expect(allowances.of('ann', 0).frames.take(1, 0)).toBe(false)
    expect(allowances.of('bob', 0).frames.take(FRAMES, 0)).toBe(true)
  })

  it('comes back with time, connected or not', () => {
    const allowances = new Allowances(LIMITS)
    allowances.of('ann', 0).frames.take(FRAMES, 0)
    allowances.of('ann', 0).bytes.take(4 * 1024 * 1024, 0)
    const later = allowances.of('ann', 6000)
    expect(later.frames.take(6 * PER_SECOND, 6000)).toBe(true)
    expect(later.frames.take(1, 6000)).toBe(false)
    expect(later.bytes.take(400_000, 6000)).toBe(true)
    expect(later.bytes.take(400_000, 6000)).toBe(false)
  })

  it('has refusals of its own, which are remembered too', () => {
    const allowances = new Allowances(LIMITS)
    const refused = (count: number, now: number) =>
      times(count).filter(() => allowances.of('ann', now).takeRefusal(now)).length
    expect(refused(150, 0)).toBe(150)
    expect(refused(100, 0)).toBe(50)
    expect(refused(100, 10_000)).toBe(10)
  })

  it('is remembered for a bounded number of users, those who connected last', () => {
    const allowances = new Allowances(LIMITS)
    for (const index of times(4)) allowances.of(`u${index}`, 0).frames.take(FRAMES, 0)
    allowances.of('u0', 0)
    allowances.of('u4', 0)
    expect(allowances.of('u0', 0).frames.take(1, 0)).toBe(false)
    expect(allowances.of('u3', 0).frames.take(1, 0)).toBe(false)
    expect(allowances.of('u1', 0).frames.take(1, 0)).toBe(true)
  })
})

it('before a handshake is little, and does not come back', () => {
  const early = createEarlyAllowance(LIMITS)
  expect(times(20).filter(() => early.frames.take(1, 0))).toHaveLength(16)
  expect(early.frames.take(1, 1e9)).toBe(false)
  expect(early.bytes.take(1024, 0)).toBe(true)
  expect(early.bytes.take(1, 1e9)).toBe(false)
})
