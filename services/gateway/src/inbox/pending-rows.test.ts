import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { EMPTY_DESK } from '@chatbox/contract'
import { initialState, toSession, type InboxEntry } from '@chatbox/core'
import { MAX_ROWS_AT_ONCE, PendingRows, ROW_EVERY_MS } from './pending-rows.ts'

const START = '2026-01-01T00:00:00.000Z'
const at = (ms: number): Date => new Date(Date.parse(START) + ms)

function entryOf(id: string, seq = 1): InboxEntry {
  const origin = { id, userId: 'ann', userName: '', startedAt: START }
  return {
    session: toSession(origin, { seq, state: initialState('demo', START) }),
    ...{ waitingSince: null, userTexts: 0, desk: EMPTY_DESK, changedAt: START },
  }
}

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

function open() {
  const told: string[][] = []
  const pending = new PendingRows((due) =>
    told.push(due.map(({ session }) => `${session.id}${session.lastSeq}`)),
  )
  return { pending, told }
}

describe('PendingRows', () => {
  it('tells at once, then of the last state after a second', () => {
    const { pending, told } = open()
    pending.add([entryOf('a')], at(0))
    pending.flush()
    expect([told, pending.oldest]).toEqual([[['a1']], undefined])
    for (const seq of [2, 3]) {
      pending.add([entryOf('a', seq), entryOf(`b${seq}-`)], at(seq))
      pending.flush()
    }
    expect(told.slice(1)).toEqual([['b2-1'], ['b3-1']])
    expect(pending.oldest).toEqual(at(2))
    jest.advanceTimersByTime(ROW_EVERY_MS - 1)
    expect(told).toHaveLength(3)
    jest.advanceTimersByTime(1)
    expect(told.at(-1)).toEqual(['a3'])
    expect(pending.oldest).toBeUndefined()
  })

  it('spreads a crowd over several events', () => {
    const { pending, told } = open()
    const crowd = Array.from({ length: 2 * MAX_ROWS_AT_ONCE + 1 }, (_, index) =>
      entryOf(`${index}-`),
    )
    pending.add(crowd, at(0))
    pending.flush()
    jest.advanceTimersByTime(ROW_EVERY_MS)
    expect(told.map(({ length }) => length)).toEqual([MAX_ROWS_AT_ONCE, MAX_ROWS_AT_ONCE, 1])
    expect(new Set(told.flat()).size).toBe(crowd.length)
  })

  it('is silent once it is cleared', () => {
    const { pending, told } = open()
    pending.add([entryOf('a')], at(0))
    pending.flush()
    pending.add([entryOf('a', 2)], at(1))
    pending.flush()
    pending.clear()
    jest.advanceTimersByTime(5 * ROW_EVERY_MS)
    expect(told).toEqual([['a1']])
  })
})
