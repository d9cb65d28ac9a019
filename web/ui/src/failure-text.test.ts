import { describe, expect, it } from '@jest/globals'
import type { Message } from '@chatbox/contract'
import { toFailureText, toLimitText } from './failure-text.ts'
import { toTime } from './strings.ts'

const NOW = new Date('2026-03-02T12:00:00Z')
const midnight = '2026-03-03T00:00:00.000Z'
const spent = { code: 'BUDGET_EXCEEDED', message: "Today's limit is reached." } as const
const waiting = `You have reached today's limit. You can go on at ${toTime(midnight)}.`
const over = 'The limit of that day was reached. You can go on now.'

describe('why something was refused', () => {
  it('says in local time when it goes on', () => {
    expect(toFailureText({ ...spent, until: midnight }, NOW)).toBe(waiting)
    expect(toFailureText({ ...spent, until: midnight }, new Date(midnight))).toBe(over)
  })

  it('is the message of the server for everything else', () => {
    expect(toFailureText(spent, NOW)).toBe(spent.message)
    const ended = { code: 'SESSION_ENDED', message: 'This session has ended.' } as const
    expect(toFailureText({ ...ended, until: midnight }, NOW)).toBe(ended.message)
  })
})

describe('why there is no answer', () => {
  const answer = (error?: Message['error']) =>
    ({ createdAt: NOW.toISOString(), ...(error ? { error } : {}) }) as Message

  it('says when the question can be asked again', () => {
    const error = { ...spent, retryable: true, retryAfterMs: 12 * 3_600_000 }
    expect(toLimitText(answer(error), NOW)).toBe(waiting)
    expect(toLimitText(answer(error), new Date(midnight))).toBe(over)
  })

  it('says nothing of another fault', () => {
    const error = { code: 'LLM_TIMEOUT', message: 'Slow.', retryable: true } as const
    expect(toLimitText(answer(error), NOW)).toBeUndefined()
    expect(toLimitText(answer(), NOW)).toBeUndefined()
  })
})
