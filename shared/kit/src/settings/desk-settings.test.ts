import { describe, expect, it } from '@jest/globals'
import { readSettings } from './read-settings.ts'
import { MAX_KNOWN_TAGS } from './desk-settings.ts'

const read = (tags?: string) =>
  readSettings({
    JWT_SECRET: 'b6d1f0a3c97e42588d0f7a6be1c4935af6827d1094be3c75',
    ...(tags === undefined ? {} : { OPERATOR_TAGS: tags }),
  }).operators.tags
const listed = (count: number) => Array.from({ length: count }, (_, index) => `t${index}`).join()

describe('OPERATOR_TAGS', () => {
  it('lists the tags that operators choose from, each once', () => {
    expect(read('billing, bug ,VIP Kunde,bug')).toEqual(['billing', 'bug', 'VIP Kunde'])
    expect(read('x'.repeat(40))).toEqual(['x'.repeat(40)])
    expect(read(listed(MAX_KNOWN_TAGS))).toHaveLength(MAX_KNOWN_TAGS)
    expect(read()).toEqual([])
  })

  it.each([
    ['an empty tag', 'billing,,bug', 'must list short texts'],
    ['a tag of 41 characters', 'x'.repeat(41), 'must list short texts'],
    ['more than 200 tags', listed(MAX_KNOWN_TAGS + 1), 'names more than 200 tags'],
  ])('refuses %s', (_, tags, reason) => {
    expect(() => read(tags)).toThrow(reason)
  })
})
