import { describe, expect, it } from '@jest/globals'
import { SocketPlaces, type Place } from './socket-places.ts'

function setUp(limits: Partial<ConstructorParameters<typeof SocketPlaces>[0]> = {}) {
  const all = { maxConnections: 10, maxConnectionsPerAddress: 100, visitorConnections: 50 }
  const places = new SocketPlaces({ ...all, ...limits })
  const closed: string[] = []
  let count = 0
  /** Returns the place, undefined if there is none. */
  const enter = (address: string): Place | undefined => {
    const name = `${address}/${count++}`
    const place: Place = { address, holder: 'waiting', close: () => void closed.push(name) }
    return places.enter(place) ? place : undefined
  }
  const admit = (address: string, holder: 'user' | 'visitor' = 'user') => {
    const place = enter(address)
    return place && places.admit(place, holder) ? place : undefined
  }
  return { places, closed, enter, admit }
}

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('SocketPlaces', () => {
  it('gives one address its limit, and at most four fifths of a process', () => {
    const { admit } = setUp()
    expect(times(10).filter(() => admit('a'))).toHaveLength(8)
    expect(times(10).filter(() => admit('b'))).toHaveLength(2)
    const few = setUp({ maxConnectionsPerAddress: 3 })
    expect(times(10).filter(() => few.admit('a'))).toHaveLength(3)
  })

  it('closes the one that waits longest, of the address if that is what is full', () => {
    const { places, closed, enter, admit } = setUp({ maxConnectionsPerAddress: 3 })
    enter('b')
    times(4).forEach(() => enter('a'))
    expect(closed).toEqual(['a/1'])
    expect(places.hasRoom('a')).toBe(true)
    expect(admit('a')).toBeDefined()
    for (const index of times(20)) enter(`c${index}`)
    expect(closed.slice(0, 3)).toEqual(['a/1', 'a/2', 'b/0'])
    expect(closed).not.toContain('a/5')
  })

  it('gives visitors their share, of a process and of an address', () => {
    const { admit } = setUp({ maxConnectionsPerAddress: 4 })
    expect(times(4).filter(() => admit('a', 'visitor'))).toHaveLength(2)
    expect(times(9).filter((index) => admit(`b${index}`, 'visitor'))).toHaveLength(3)
    expect(admit('a')).toBeDefined()
    expect(admit('c')).toBeDefined()
  })

  it('has a place again once one is left, and counts nobody twice', () => {
    const { places, enter, admit } = setUp({ maxConnections: 2 })
    const first = admit('a')
    const second = admit('b')
    expect(places.hasRoom('c')).toBe(false)
    expect(enter('c')).toBeUndefined()
    times(3).forEach(() => first && places.leave(first))
    expect(admit('c')).toBeDefined()
    expect(admit('d')).toBeUndefined()
    expect(second && places.admit(second, 'user')).toBe(false)
  })

  it('does not admit one that was closed while it waited', () => {
    const { places, enter } = setUp({ maxConnections: 1 })
    const late = enter('a')
    enter('b')
    expect(late && places.admit(late, 'user')).toBe(false)
  })

  it('looks at none of those that wait elsewhere, to refuse an address that is full', () => {
    const { places, admit } = setUp({ maxConnections: 1000, maxConnectionsPerAddress: 3 })
    times(3).forEach(() => admit('full'))
    let looks = 0
    for (const index of times(900)) {
      const place: Place = { address: `a${index}`, holder: 'waiting', close: () => undefined }
      places.enter(place)
      Object.defineProperty(place, 'address', { get: () => (looks++, `a${index}`) })
    }
    expect(times(100).filter(() => places.hasRoom('full'))).toEqual([])
    expect(looks).toBe(0)
  })
})
