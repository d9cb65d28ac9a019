import { describe, expect, it } from '@jest/globals'
import { deriveKey } from './derive-key.ts'
import { createPseudonym } from './pseudonym.ts'

const key = (fill: number) => ({ id: `k${fill}`, key: new Uint8Array(32).fill(fill) })
const derive = (...args: Parameters<typeof deriveKey>) =>
  deriveKey(...args)
    .export()
    .toString('hex')

describe('deriveKey', () => {
  it('gives each purpose a key of its own, the same in every process', () => {
    const one = derive([key(1), key(2)], 'operator token key')
    expect(one).toMatch(/^[\da-f]{64}$/)
    expect(derive([key(1)], 'operator token key')).toBe(one)
    expect(derive([key(1)], 'pseudonym')).not.toBe(one)
    expect(derive([key(2)], 'operator token key')).not.toBe(one)
    expect(one).not.toBe(Buffer.from(key(1).key).toString('hex'))
  })

  it('leaves pseudonyms as they are in stored ids', () => {
    expect(createPseudonym([key(1)])('ada')).toBe('DnpFcN7hvh3btbo1ueWjgg')
  })
})
