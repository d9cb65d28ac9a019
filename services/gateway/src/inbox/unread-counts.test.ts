import { describe, expect, it } from '@jest/globals'
import { EMPTY_DESK } from '@chatbox/contract'
import { initialState, toSession, type InboxEntry, type ReadMark } from '@chatbox/core'
import { MAX_MARKS, UnreadCounts } from './unread-counts.ts'

const START = '2026-01-01T00:00:00.000Z'

function entryOf(id: string, userTexts: number, operatorId?: string): InboxEntry {
  const origin = { id, userId: 'ann', userName: '', startedAt: START }
  const by = operatorId === undefined ? null : { id: operatorId, name: '', since: START }
  const state = { ...initialState('demo', START), assistedBy: by }
  return {
    session: toSession(origin, { seq: 9, state }),
    ...{ waitingSince: null, userTexts, desk: EMPTY_DESK, changedAt: START },
  }
}

const markOf = (sessionId: string, seq: number): ReadMark => ({
  ...{ operatorId: 'olga', sessionId, seq, userTexts: seq },
})

async function open(marks: ReadMark[] = []): Promise<UnreadCounts> {
  const counts = new UnreadCounts({ listReadMarks: () => Promise.resolve(marks) })
  await counts.load('olga')
  return counts
}

describe('UnreadCounts', () => {
  it('counts for those who have, are assigned to, or have read a session', async () => {
    const counts = await open([markOf('had', 2)])
    expect(counts.of('olga', entryOf('s', 3))).toBe(0)
    expect(counts.of('olga', entryOf('s', 3, 'olga'))).toBe(3)
    expect(counts.of('olga', entryOf('s', 3, 'paul'))).toBe(0)
    expect(counts.of('olga', entryOf('had', 5, 'paul'))).toBe(3)
    const assigned = { ...EMPTY_DESK, assignee: { id: 'olga', name: '' } }
    expect(counts.of('olga', { ...entryOf('s', 2, 'paul'), desk: assigned })).toBe(2)
  })

  it('never moves back, and tells which sessions have moved', async () => {
    const counts = await open([markOf('a', 2)])
    expect(counts.take([markOf('a', 1), markOf('a', 2), markOf('b', 0)])).toEqual(['b'])
    expect(counts.take([{ ...markOf('a', 5), operatorId: 'paul' }])).toEqual([])
    expect(counts.take([markOf('a', 4)])).toEqual(['a'])
    expect(counts.of('olga', entryOf('a', 5))).toBe(1)
    expect(counts.of('olga', entryOf('a', 3))).toBe(0)
    counts.forget('olga')
    expect(counts.take([markOf('a', 6)])).toEqual([])
  })

  it('knows so many sessions of an operator, the latest ones', async () => {
    const ids = Array.from({ length: MAX_MARKS }, (_, index) => `s${index}`)
    const counts = await open(ids.map((id) => markOf(id, 1)).reverse())
    counts.take([markOf('s0', 2), markOf('new', 1)])
    const known = ['s0', 's1', 's2', 'new'].filter((id) => counts.of('olga', entryOf(id, 9)) > 0)
    expect(known).toEqual(['s0', 's2', 'new'])
  })
})
