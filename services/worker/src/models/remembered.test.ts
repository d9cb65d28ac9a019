import { describe, expect, it } from '@jest/globals'
import { Remembered } from './remembered.ts'

describe('what is remembered', () => {
  it('is forgotten after its time, counted from when it was last set', () => {
    let now = 0
    const remembered = new Remembered<string, number>({ max: 9, forMs: 100, now: () => now })
    remembered.set('a', 1)
    now = 99
    expect(remembered.get('a')).toBe(1)
    remembered.set('a', 2)
    now = 198
    expect(remembered.get('a')).toBe(2)
    now = 199
    expect(remembered.get('a')).toBeUndefined()
    expect(remembered.get('b')).toBeUndefined()
  })

  it('is forgotten when that is asked for', () => {
    const remembered = new Remembered<string, number>({ max: 9, forMs: 100, now: () => 0 })
    remembered.set('a', 1)
    remembered.delete('a')
    expect(remembered.get('a')).toBeUndefined()
  })

  it('is at most so much: what was set first gives way', () => {
    const remembered = new Remembered<number, string>({ max: 3, forMs: 100, now: () => 0 })
    for (const key of [1, 2, 3, 1, 4]) remembered.set(key, `${key}`)
    expect([1, 2, 3, 4].map((key) => remembered.get(key))).toEqual(['1', undefined, '3', '4'])
  })
})
