import { describe, expect, it } from '@jest/globals'
import type { Message } from '@chatbox/contract'
import { toFailureText, toLimitText } from './failure-text.ts'
import { toTime } from './strings.ts'

/** In the reader's time zone, whichever the machine has. */
const NOW = new Date(2026, 2, 2, 0, 30)
const until = new Date(2026, 2, 2, 12, 30).toISOString()
const nextDay = new Date(2026, 2, 3, 0, 15).toISOString()
const spent = { code: 'BUDGET_EXCEEDED', message: "Today's limit is reached." } as const
const waiting = `Today's limit is reached. You can go on at ${toTime(until)}.`
const over = 'The limit of that day was reached. You can go on now.'

describe('why something was refused', () => {
  it('says in local time when it goes on', () => {
    expect(toFailureText({ ...spent, until }, NOW)).toBe(waiting)
    expect(toFailureText({ ...spent, until }, new Date(until))).toBe(over)
  })

  it('says so where that is on the next day of the reader, however soon', () => {
    const tomorrow = `Today's limit is reached. You can go on tomorrow at ${toTime(nextDay)}.`
    expect(toFailureText({ ...spent, until: nextDay }, NOW)).toBe(tomorrow)
    expect(toFailureText({ ...spent, until: nextDay }, new Date(2026, 2, 2, 23, 59))).toBe(tomorrow)
    const sameDay = toFailureText({ ...spent, until: nextDay }, new Date(2026, 2, 3, 0, 1))
    expect(sameDay).not.toContain('tomorrow')
    const newYear = new Date(2027, 0, 1, 0, 30).toISOString()
    const before = toFailureText({ ...spent, until: newYear }, new Date(2026, 11, 31, 23))
    expect(before).toContain('tomorrow')
  })

  it('is the message of the server for everything else', () => {
    expect(toFailureText(spent, NOW)).toBe(spent.message)
    const ended = { code: 'SESSION_ENDED', message: 'This session has ended.' } as const
    expect(toFailureText({ ...ended, until }, NOW)).toBe(ended.message)
  })
})

describe('why there is no answer', () => {
  const answer = (error?: Message['error']) =>
    ({ createdAt: NOW.toISOString(), ...(error ? { error } : {}) }) as Message

  it('says when the question can be asked again', () => {
    const error = { ...spent, retryable: true, retryAfterMs: 12 * 3_600_000 }
    expect(toLimitText(answer(error), NOW)).toBe(waiting)
    expect(toLimitText(answer(error), new Date(until))).toBe(over)
  })

  it('says nothing of another fault', () => {
    const error = { code: 'LLM_TIMEOUT', message: 'Slow.', retryable: true } as const
    expect(toLimitText(answer(error), NOW)).toBeUndefined()
    expect(toLimitText(answer(), NOW)).toBeUndefined()
  })
})
