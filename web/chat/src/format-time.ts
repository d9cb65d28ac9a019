import { strings } from './strings.ts'

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const dayFormat = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
})
const shortFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const DAY_MS = 24 * 3600 * 1000

export function toTime(iso: string): string {
  return timeFormat.format(new Date(iso))
}

/** A day in the reader's own time zone, in words. */
export function toDay(iso: string, now: Date): string {
  const days = daysBetween(new Date(iso), now)
  if (days === 0) return strings.today
  return days === 1 ? strings.yesterday : dayFormat.format(new Date(iso))
}

/** The time of day for today, else the date. */
export function toShortTime(iso: string, now: Date): string {
  return daysBetween(new Date(iso), now) === 0 ? toTime(iso) : shortFormat.format(new Date(iso))
}

function daysBetween(from: Date, to: Date): number {
  return Math.round((startOfDay(to) - startOfDay(from)) / DAY_MS)
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}
