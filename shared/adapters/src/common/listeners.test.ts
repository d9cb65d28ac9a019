import { describe, expect, it } from '@jest/globals'
import { Listeners } from './listeners.ts'

const hooks = { onError: () => undefined }

describe('Listeners', () => {
  it('tells a function twice that listens twice, and frees the place of each', () => {
    const listeners = new Listeners<number>(hooks, 2)
    const seen: number[] = []
    const listen = (value: number): number => seen.push(value)
    const [first, second] = [listeners.add('a', listen), listeners.add('a', listen)]
    listeners.tell('a', 1)
    expect(seen).toEqual([1, 1])
    expect(() => listeners.add('a', listen)).toThrow('too many')
    first()
    first()
    listeners.tell('a', 2)
    expect(seen).toEqual([1, 1, 2])
    second()
    expect(listeners.has('a')).toBe(false)
    expect(() => listeners.add('b', listen)).not.toThrow()
  })

  it('keeps the listeners that came after the last one had gone', () => {
    const listeners = new Listeners<number>(hooks, 10)
    const seen: number[] = []
    const gone = listeners.add('a', () => undefined)
    gone()
    listeners.add('a', (value) => seen.push(value))
    gone()
    listeners.tell('a', 1)
    expect(seen).toEqual([1])
  })
})
