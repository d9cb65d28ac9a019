import { describe, expect, it } from '@jest/globals'
import { createClock } from './clock.ts'

describe('ids', () => {
  it('are 128 random bits each, however many are drawn', () => {
    const clock = createClock()
    const ids = Array.from({ length: 2000 }, () => clock.newId())
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(Buffer.from(id, 'base64url')).toHaveLength(16)
    // Each of the bits is set about half of the time.
    const ones = Array.from({ length: 128 }, (_, bit) => {
      const set = ids.filter(
        (id) => (Buffer.from(id, 'base64url')[bit >> 3] ?? 0) & (1 << (bit & 7)),
      )
      return set.length
    })
    expect(Math.min(...ones)).toBeGreaterThan(800)
    expect(Math.max(...ones)).toBeLessThan(1200)
  })
})
