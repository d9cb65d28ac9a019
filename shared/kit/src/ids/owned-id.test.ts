import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isOwnedBy, toOwnedId } from './owned-id.ts'

describe('an owned id', () => {
  it('is known by its owner and by nobody else', () => {
    const id = fc.stringMatching(/^[\w-]{22}$/u)
    fc.assert(
      fc.property(id, fc.string(), fc.string(), (name, owner, other) => {
        const owned = toOwnedId(name, owner)
        expect(owned).toMatch(/^[\w.-]{39}$/u)
        expect(isOwnedBy(owned, owner)).toBe(true)
        expect(isOwnedBy(owned, other)).toBe(owner === other)
        expect(isOwnedBy(name, owner)).toBe(false)
      }),
    )
  })
})
