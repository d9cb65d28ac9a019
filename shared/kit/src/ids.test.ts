import { describe, expect, it } from '@jest/globals'
import { idSchema } from '@chatbox/contract'
import fc from 'fast-check'
import { isOwnedBy, toMessageId, toOwnedId } from './ids.ts'

describe('toMessageId', () => {
  it('is the same id each time, and stays so', () => {
    expect(toMessageId('session', 'client')).toBe('vHQL_xRB3m1piu0_yGL29w')
  })

  it('is an id, and another one for another session or name', () => {
    const text = fc.string({ minLength: 1, maxLength: 3, unit: 'grapheme' })
    const name = fc.tuple(text, text)
    fc.assert(
      fc.property(name, name, (one, other) => {
        const id = toMessageId(...one)
        expect(idSchema.safeParse(id).success).toBe(true)
        const isSame = one[0] === other[0] && one[1] === other[1]
        expect(toMessageId(...other) === id).toBe(isSame)
      }),
    )
    expect(toMessageId('a","b', 'c')).not.toBe(toMessageId('a', 'b","c'))
    expect(toMessageId('ab', 'c')).not.toBe(toMessageId('a', 'bc'))
  })
})

describe('an owned id', () => {
  it('is known by its owner and by nobody else', () => {
    const id = fc.stringMatching(/^[\w-]{22}$/u)
    const mark = fc.stringMatching(/^[\w-]{22}$/u)
    fc.assert(
      fc.property(id, mark, mark, (name, owner, other) => {
        const owned = toOwnedId(name, owner)
        expect(idSchema.safeParse(owned).success).toBe(true)
        expect(isOwnedBy(owned, owner)).toBe(true)
        expect(isOwnedBy(owned, other)).toBe(owner === other)
        expect(isOwnedBy(name, owner)).toBe(false)
      }),
    )
  })
})
