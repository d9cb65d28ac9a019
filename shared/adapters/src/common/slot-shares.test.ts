import { describe, expect, it } from '@jest/globals'
import { SlotShares } from './slot-shares.ts'

/** Takes as many places as each lane may, one lane after another. */
function fill(shares: SlotShares, ...lanes: string[]): number[] {
  return lanes.map((lane) => {
    let taken = 0
    for (; shares.mayTake(lane); taken++) shares.take(lane)
    return taken
  })
}

describe('SlotShares', () => {
  it.each([
    [0, [0, 0]],
    [1, [1, 0]],
    [2, [2, 0]],
    [4, [4, 0]],
    [5, [4, 1]],
    [10, [8, 2]],
    [300, [240, 48]],
  ])('lets a lane have four fifths of %d places', (slots, taken) => {
    expect(fill(new SlotShares(slots), 'a', 'b')).toEqual(taken)
  })

  it('never gives more places than there are', () => {
    const taken = fill(new SlotShares(20), ...Array.from('abcdefghij'))
    expect(taken.reduce((sum, count) => sum + count)).toBe(20)
  })

  it('gives a place that is free again', () => {
    const shares = new SlotShares(5)
    fill(shares, 'a', 'b')
    expect(shares.mayTake('c')).toBe(false)
    shares.release('b')
    expect(['a', 'b', 'c'].map((lane) => shares.mayTake(lane))).toEqual([false, true, true])
    shares.release('a')
    expect(shares.mayTake('a')).toBe(true)
  })

  it('lets a lane that has less take before one that has more', () => {
    const shares = new SlotShares(10)
    fill(shares, 'a')
    shares.release('a')
    shares.take('b')
    expect([shares.mayTake('a'), shares.mayTake('b')]).toEqual([true, true])
    shares.take('b')
    expect([shares.mayTake('a'), shares.mayTake('b')]).toEqual([false, true])
  })
})
