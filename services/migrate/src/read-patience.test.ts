import { describe, expect, it } from '@jest/globals'
import { readPatience } from './read-patience.ts'

describe('readPatience', () => {
  it('takes a duration, and a minute where none is given', () => {
    expect(readPatience([])).toBe(60_000)
    expect(readPatience(['--within', '5m'])).toBe(300_000)
    expect(readPatience(['--within=2s'])).toBe(2000)
  })

  it.each([['--within'], ['--within', '60'], ['--within', '0s'], ['--with', '60s'], ['now']])(
    'names what is wrong with %s %s',
    (...args) => {
      expect(() => readPatience(args)).toThrow(/--within /)
    },
  )
})
