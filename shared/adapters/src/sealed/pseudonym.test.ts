import { describe, expect, it } from '@jest/globals'
import { createPseudonym } from './pseudonym.ts'

const key = (fill: number) => ({ id: `k${fill}`, key: new Uint8Array(32).fill(fill) })

describe('createPseudonym', () => {
  it('names a person the same way in every process with the same first key', () => {
    const one = createPseudonym([key(1), key(2)])
    expect(one('ada')).toMatch(/^[\w-]{22}$/)
    expect(createPseudonym([key(1)])('ada')).toBe(one('ada'))
    expect(one('bob')).not.toBe(one('ada'))
  })

  it('tells nobody who lacks the key', () => {
    const one = createPseudonym([key(1)])
    expect(createPseudonym([key(2), key(1)])('ada')).not.toBe(one('ada'))
    expect(one('ada')).not.toContain('ada')
  })

  it('refuses to work without a key', () => {
    expect(() => createPseudonym([])).toThrow('no encryption key')
  })
})
