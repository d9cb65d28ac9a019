import { describe, expect, it } from '@jest/globals'
import { CLIENT_EVENTS, contentSchema } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import { parseInput } from './calls.ts'

const { payload } = CLIENT_EVENTS['message:send']
const good = { sessionId: 's', clientMessageId: 'c', content: 'x' }

function faultOf(value: unknown): string {
  try {
    parseInput(payload, value)
    return 'accepted'
  } catch (error) {
    return error instanceof AppError ? `${error.code}: ${error.message}` : 'no AppError'
  }
}

describe('parseInput', () => {
  it('answers what the schema makes of a value', () => {
    expect(parseInput(payload, good)).toEqual(good)
  })

  it.each([
    [{ ...good, content: '' }, 'INVALID_FORMAT: Field "content":'],
    [{ ...good, attachments: ['ok', 7] }, 'INVALID_FORMAT: Field "attachments.1":'],
    [{ ...good, extra: 1 }, 'INVALID_FORMAT: Unknown field "extra".'],
    [{ ...good, '<b>\n': 1 }, 'INVALID_FORMAT: Unknown field (unprintable).'],
    [undefined, 'INVALID_FORMAT: The payload:'],
  ])('names the field of %j', (value, start) => {
    expect(faultOf(value)).toMatch(start)
  })

  it('never repeats what was sent', () => {
    expect(faultOf({ ...good, sessionId: 'a secret of the caller' })).not.toContain('secret')
    expect(() => parseInput(contentSchema, 7)).toThrow('The payload')
  })
})
