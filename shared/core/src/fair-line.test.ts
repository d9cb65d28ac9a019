import { describe, expect, it } from '@jest/globals'
import { FairLine, MAX_LANES } from './fair-line.ts'

/** Adds items that begin with their lane: `a1`. */
function setUp(...items: string[]) {
  const line = new FairLine<string>()
  const add = (...more: string[]) => more.map((item) => line.add(item.charAt(0), item))
  add(...items)
  const takeAll = () => Array.from({ length: line.size }, () => line.take())
  return { line, add, takeAll }
}

describe('FairLine', () => {
  it('serves lanes in turns, and within a lane in the order of the calls', () => {
    const { takeAll } = setUp('a1', 'a2', 'a3', 'b1', 'b2', 'c1')
    expect(takeAll()).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  })

  it('serves a lane that comes new in the round of now', () => {
    const { line, add, takeAll } = setUp('a1', 'a2', 'a3', 'a4')
    line.take()
    line.take()
    expect(line.countAhead('b')).toBe(1)
    add('b1')
    expect(takeAll()).toEqual(['a3', 'b1', 'a4'])
  })

  it('gives nothing for the time in which a lane did not ask', () => {
    const { line, add, takeAll } = setUp('a1', 'a2', 'a3', 'b1')
    for (let taken = 0; taken < 3; taken++) line.take()
    add('b2', 'b3', 'b4')
    expect(takeAll()).toEqual(['a3', 'b2', 'b3', 'b4'])
  })

  it('takes an item back at the place that it had', () => {
    const { line, add, takeAll } = setUp('a1', 'b1', 'a2')
    const [place] = add('c1')
    line.remove('c1')
    add('d1', 'd2')
    line.add('c', 'c1', place)
    expect(takeAll()).toEqual(['a1', 'b1', 'c1', 'd1', 'a2', 'd2'])
  })

  it('takes an item back in front of all that came since the line was empty', () => {
    const { line, add, takeAll } = setUp('a1', 'a2', 'a3')
    const [place] = add('a4')
    while (line.take());
    add('b1', 'c1', 'b2')
    line.add('a', 'a4', place)
    expect(takeAll()).toEqual(['a4', 'b1', 'c1', 'b2'])
  })

  it('passes over lanes that may not be served, and keeps their places', () => {
    const { line, takeAll } = setUp('a1', 'b1', 'a2')
    expect(line.take((lane) => lane !== 'a')).toBe('b1')
    expect(line.take((lane) => lane !== 'a')).toBeUndefined()
    expect(takeAll()).toEqual(['a1', 'a2'])
  })

  it('gives up the last item of the longest lane first', () => {
    const { line } = setUp('a1', 'a2', 'a3', 'b1', 'c1')
    expect([line.takeLast(), line.takeLast(), line.takeLast()]).toEqual(['a3', 'a2', 'c1'])
  })

  it('tells how many a new item would wait for', () => {
    const { line } = setUp('a1', 'a2', 'a3', 'b1')
    expect(['a', 'b', 'c'].map((lane) => line.countAhead(lane))).toEqual([4, 3, 2])
    expect(new FairLine().countAhead('a')).toBe(0)
  })

  it('remembers a bounded number of lanes', () => {
    const line = new FairLine<string>()
    line.add('a', 'a1')
    for (let lane = 0; lane < MAX_LANES; lane++) line.add(`lane-${lane}`, 'other')
    line.add('a', 'a2')
    expect(line.countAhead('a')).toBe(line.size)
    expect(line.countAhead('lane-1')).toBe(line.size)
    line.clear()
    expect(line.size).toBe(0)
  })
})
