import { describe, expect, it } from '@jest/globals'
import { EMPTY_DESK, type DeskAction } from '@chatbox/contract'
import fc from 'fast-check'
import {
  isSnoozed,
  placeDeskEntry,
  toDesk,
  type DeskSession,
  type DeskState,
} from './place-desk-entry.ts'

const AT = '2026-01-01T00:00:00.000Z'
const LATER = '2026-01-02T00:00:00.000Z'
const OLGA = { id: 'olga', name: 'Olga' }
const ACTIVE: DeskSession = { status: 'active', userTexts: 3 }

function place(action: DeskAction, state: DeskState = EMPTY_DESK, session = ACTIVE) {
  const entry = { id: 'entry', sessionId: 'session', by: OLGA, at: AT, action }
  return placeDeskEntry({ state, session }, entry)
}

const action = fc.constantFrom<DeskAction>(
  { type: 'note', text: 'A note', mentions: [] },
  { type: 'assigned', to: OLGA },
  { type: 'assigned', to: null },
  { type: 'tagged', tags: ['bug', 'bug', 'vip'] },
  { type: 'tagged', tags: [] },
  { type: 'prioritized', priority: 'urgent' },
  { type: 'snoozed', until: LATER },
  { type: 'snoozed', until: null },
  { type: 'summary', text: 'A summary', upToSeq: 1 },
  { type: 'draft_used', outcome: 'dropped' },
  { type: 'unknown' },
)

describe('placeDeskEntry', () => {
  it('gives dense numbers, and keeps what the last action of each kind has set', () => {
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        let state: DeskState = EMPTY_DESK
        const seqs = actions.map((one) => {
          const placed = place(one, state)
          state = placed.state
          return placed.entry.seq
        })
        expect(seqs).toEqual(actions.map((_, index) => index + 1))
        const last = <T extends DeskAction['type']>(type: T) =>
          actions.findLast((one): one is Extract<DeskAction, { type: T }> => one.type === type)
        expect(toDesk(state, ACTIVE)).toEqual({
          seq: actions.length,
          assignee: last('assigned')?.to ?? null,
          tags: [...new Set(last('tagged')?.tags)],
          priority: last('prioritized')?.priority ?? 'normal',
          snoozedUntil: last('snoozed')?.until ?? null,
        })
      }),
    )
  })

  it('keeps what a later version has added', () => {
    const later = { ...EMPTY_DESK, mood: 'good' }
    expect(place({ type: 'assigned', to: OLGA }, later).state).toHaveProperty('mood', 'good')
    expect(place({ type: 'snoozed', until: LATER }, later).state).toHaveProperty('mood', 'good')
    expect(toDesk(later, ACTIVE)).not.toHaveProperty('mood')
    const urgent = { ...EMPTY_DESK, priority: 'at once' as 'urgent' }
    expect(toDesk(urgent, ACTIVE).priority).toBe('normal')
  })

  it('refuses a snooze that is over, and one of a session that has ended', () => {
    const past: DeskAction = { type: 'snoozed', until: AT }
    expect(() => place(past)).toThrow('Field "action.until"')
    const ended = { ...ACTIVE, status: 'ended' }
    const coming: DeskAction = { type: 'snoozed', until: LATER }
    expect(() => place(coming, EMPTY_DESK, ended)).toThrow('has ended')
    expect(place({ type: 'snoozed', until: null }, EMPTY_DESK, ended).entry.seq).toBe(1)
  })
})

describe('a snooze', () => {
  const { state } = place({ type: 'snoozed', until: LATER })

  it('counts until its time', () => {
    const desk = toDesk(state, ACTIVE)
    expect(isSnoozed(desk, new Date(Date.parse(LATER) - 1))).toBe(true)
    expect(isSnoozed(desk, new Date(LATER))).toBe(false)
    expect(isSnoozed(EMPTY_DESK, new Date(AT))).toBe(false)
  })

  it('counts until the next message of the user', () => {
    expect(toDesk(state, { userTexts: 4 }).snoozedUntil).toBeNull()
    // A copy of the session that is behind.
    expect(toDesk(state, { userTexts: 2 }).snoozedUntil).toBe(LATER)
    const again = place({ type: 'snoozed', until: LATER }, state, { ...ACTIVE, userTexts: 4 })
    expect(toDesk(again.state, { userTexts: 4 }).snoozedUntil).toBe(LATER)
  })
})
