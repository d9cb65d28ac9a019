import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { isCutJson } from './is-cut-json.ts'

describe('JSON without its end', () => {
  it('is each beginning of an object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, at) => {
        const json = JSON.stringify(value)
        const length = 1 + (at % (json.length - 1))
        expect(isCutJson(json.slice(0, length))).toBe(true)
        expect(isCutJson(`${json}\n${json.slice(0, length)}`)).toBe(false)
      }),
    )
  })

  it('is found by a bounded part of the text', () => {
    const searching = jest.spyOn(RegExp.prototype, Symbol.matchAll)
    expect(isCutJson(`{"a":${'['.repeat(2_000_000)}`)).toBe(true)
    const searched = searching.mock.calls.map(([read]) => read.length)
    searching.mockRestore()
    expect(searched).toEqual([65_536])
  })

  it.each([
    '',
    '{hello',
    "{'a': 1",
    '{"a": b}',
    '{"a": 1} {"b"',
    '{"a": 1}, {"b": 2}',
    '{"a": "\\""} x',
    'Hello {"a"',
  ])('is not %j', (text) => {
    expect(isCutJson(text)).toBe(false)
  })
})
