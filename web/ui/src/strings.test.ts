import { describe, expect, it } from '@jest/globals'
import { toDay, toShortTime } from './strings.ts'

/** In the reader's time zone, whichever the machine has. */
const at = (...[year, month, ...rest]: [number, number, number, number?]): Date =>
  new Date(year, month - 1, rest[0], rest[1] ?? 12)
const day = (date: Date, now: Date): string => toDay(date.toISOString(), now)
const short = (date: Date, now: Date): string => toShortTime(date.toISOString(), now)

describe('dates', () => {
  it('show the year where it is another one', () => {
    const now = at(2026, 2, 3)
    expect(day(at(2025, 12, 24), now)).toContain('2025')
    expect(short(at(2025, 12, 24), now)).toContain('2025')
    expect(day(at(2025, 2, 3), now)).toContain('2025')
    expect(day(at(2027, 3, 1), now)).toContain('2027')
    expect(short(at(2016, 2, 3), now)).toContain('2016')
  })

  it('show no year where it is this one', () => {
    const now = at(2026, 12, 31)
    expect(day(at(2026, 1, 1), now)).not.toContain('2026')
    expect(short(at(2026, 1, 1), now)).not.toContain('2026')
  })

  it('are named by words around now, also over the turn of the year', () => {
    const now = at(2026, 1, 1, 1)
    expect(day(at(2026, 1, 1, 0), now)).toBe('Today')
    expect(day(at(2025, 12, 31, 23), now)).toBe('Yesterday')
    expect(short(at(2025, 12, 31, 23), now)).toContain('2025')
    expect(short(at(2026, 1, 1, 0), now)).not.toContain('2026')
  })
})
