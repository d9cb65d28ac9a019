import { describe, expect, it } from '@jest/globals'
import { KnownEnds } from './known-ends.ts'

const end = (seq: number) => ({ origin: {}, tip: { seq } }) as never

describe('KnownEnds', () => {
  it('has room for 1000, and forgets the one that was written to longest ago', () => {
    const ends = new KnownEnds()
    for (let index = 0; index < 1000; index += 1) ends.keep(`session-${index}`, end(1))
    ends.keep('session-0', end(2))
    ends.keep('late', end(1))
    expect(ends.find('session-0')).toEqual(end(2))
    expect(ends.find('session-1')).toBeUndefined()
    expect(ends.find('session-2')).toEqual(end(1))
  })

  it('takes a reading only for what it knows, and only where it is newer', () => {
    const ends = new KnownEnds()
    ends.renew('unknown', end(1))
    expect(ends.find('unknown')).toBeUndefined()
    ends.keep('known', end(2))
    ends.renew('known', end(1))
    expect(ends.find('known')).toEqual(end(2))
    ends.renew('known', end(3))
    expect(ends.find('known')).toEqual(end(3))
  })
})
