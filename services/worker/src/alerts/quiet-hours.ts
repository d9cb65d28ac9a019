import { DateTime } from 'luxon'

/** A part of each day, in minutes since midnight. It goes over midnight if it ends before it begins. */
export interface QuietPeriod {
  from: number
  to: number
}

const DAY_MINUTES = 1440
/** Adjoining periods are one. More than a few days cannot be quiet without an end. */
const MAX_PERIODS = 8

/**
 * Returns a function that says when the quiet hours of a moment end, by the clocks of `zone`. On the
 * days of a change, periods begin and end when a clock on the wall says so; a time that is left out
 * counts from the next one that is shown.
 */
export function createQuietHours(
  periods: readonly QuietPeriod[],
  zone: string,
): (now: Date) => Date | undefined {
  return (now) => {
    let end: DateTime | undefined
    let at: DateTime = DateTime.fromJSDate(now, { zone })
    for (let i = 0; i < MAX_PERIODS; i++) {
      const next = findEnd(periods, at)
      if (!next) break
      end = at = next
    }
    return end?.toJSDate()
  }
}

function findEnd(periods: readonly QuietPeriod[], at: DateTime): DateTime | undefined {
  const minute = at.hour * 60 + at.minute
  const period = periods.find(({ from, to }) =>
    from < to ? minute >= from && minute < to : minute >= from || minute < to,
  )
  if (!period) return undefined
  const { from, to } = period
  const isOverMidnight = from >= to && minute >= from
  const day = at.startOf('day').plus({ days: isOverMidnight || to === DAY_MINUTES ? 1 : 0 })
  const end = day.set({ hour: Math.floor(to / 60) % 24, minute: to % 60 })
  // Of an hour that is shown twice, the first end may be over.
  return end > at ? end : at.plus({ minutes: to - minute })
}
