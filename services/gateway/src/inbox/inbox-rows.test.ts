import { describe, expect, it } from '@jest/globals'
import { EMPTY_DESK, INBOX_VIEWS, type InboxView } from '@chatbox/contract'
import {
  initialState,
  toHolders,
  toOrderKey,
  toSession,
  toViews,
  type InboxEntry,
} from '@chatbox/core'
import fc from 'fast-check'
import { InboxRows, type StandingView } from './inbox-rows.ts'

const START = Date.UTC(2026, 0, 1)
const OPERATORS = ['olga', 'paul']
const at = (minutes: number): string => new Date(START + minutes * 60_000).toISOString()
const VIEWS = INBOX_VIEWS.filter((view): view is StandingView => view !== 'ended')

interface Shape {
  id?: string
  help?: boolean
  assistedBy?: string | undefined
  adminAssisted?: boolean
  ended?: boolean
  waits?: number | undefined
  active?: number
  assignee?: string | undefined
  snoozed?: number | undefined
}

function toEntry(shape: Shape): InboxEntry {
  const { id = 's', help, assistedBy, assignee, snoozed, waits, active = 0, ended } = shape
  const origin = { id, userId: 'ann', userName: 'Ann', startedAt: at(0) }
  const person = (name: string) => ({ id: name, name, since: at(0) })
  const state = {
    ...initialState('demo', at(0)),
    status: ended ? 'ended' : 'active',
    lastActivityAt: at(active),
    help: help ? { requestedAt: at(0), note: '' } : null,
    assistedBy: assistedBy === undefined ? null : person(assistedBy),
    adminAssisted: shape.adminAssisted ?? false,
  }
  return {
    session: toSession(origin, { seq: 1, state }),
    waitingSince: waits === undefined ? null : at(waits),
    userTexts: 0,
    desk: {
      ...EMPTY_DESK,
      assignee: assignee === undefined ? null : { id: assignee, name: assignee },
      snoozedUntil: snoozed === undefined ? null : at(snoozed),
    },
    changedAt: at(0),
  }
}

function listed(rows: InboxRows, view: StandingView, operatorId = 'olga'): string[] {
  return [...rows.walk(view, operatorId, undefined)].map(([, { session }]) => session.id)
}

describe('the views of a session', () => {
  const NOW = new Date(at(10))
  it.each<[string, Shape, [InboxView[], string[]]]>([
    ['with the assistant', {}, [['assistant'], []]],
    ['that asks for help', { help: true }, [['help', 'unassigned'], []]],
    ['that asks, and is assigned', { help: true, assignee: 'olga' }, [['help'], ['olga']]],
    ['that a person has', { assistedBy: 'olga', adminAssisted: true }, [[], ['olga']]],
    ['of two operators', { assistedBy: 'olga', assignee: 'paul' }, [[], ['olga', 'paul']]],
    ['that was handed back', { adminAssisted: true }, [['assistant', 'unassigned'], []]],
    ['that is put off', { help: true, assignee: 'olga', snoozed: 11 }, [['snoozed'], []]],
    ['that was put off until now', { help: true, snoozed: 10 }, [['help', 'unassigned'], []]],
    ['that has ended', { ended: true, assignee: 'olga', snoozed: 11 }, [['ended'], []]],
  ])('%s', (_, shape, [views, holders]) => {
    expect(toViews(toEntry(shape), NOW)).toEqual(views)
    expect(toHolders(toEntry(shape), NOW)).toEqual(holders)
  })

  it('begin with the longest waiting, then the latest activity', () => {
    const rows = new InboxRows()
    const shapes: Shape[] = [
      { id: 'quiet', active: 1 },
      { id: 'second', waits: 5 },
      { id: 'lively', active: 9 },
      { id: 'first', waits: 4, active: 1 },
    ]
    for (const shape of shapes) rows.put(toEntry({ ...shape, help: true }), NOW)
    expect(listed(rows, 'help')).toEqual(['first', 'second', 'lively', 'quiet'])
  })
})

const shapeOf = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
  help: fc.boolean(),
  assistedBy: fc.constantFrom(undefined, undefined, ...OPERATORS),
  adminAssisted: fc.boolean(),
  ended: fc.constantFrom(false, false, false, true),
  waits: fc.constantFrom(undefined, 1, 2, 3),
  active: fc.nat(3),
  assignee: fc.constantFrom(undefined, undefined, ...OPERATORS),
  snoozed: fc.constantFrom(undefined, undefined, 5, 50, 500),
})

describe('InboxRows', () => {
  it('always equals what a scan of all sessions would say', () => {
    const act = fc.oneof(shapeOf, fc.constantFrom('delete a', 'delete b'), fc.nat(60))
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const rows = new InboxRows()
        const all = new Map<string, InboxEntry>()
        let now = new Date(START)
        for (const one of acts) {
          if (typeof one === 'number') {
            now = new Date(now.getTime() + one * 60_000)
            rows.wake(now)
          } else if (typeof one === 'string') {
            rows.delete(one.slice(-1))
            all.delete(one.slice(-1))
          } else {
            rows.put(toEntry(one), now)
            all.delete(one.id)
            if (!one.ended) all.set(one.id, toEntry(one))
          }
        }
        const sorted = [...all.values()].sort((a, b) => (toOrderKey(a) < toOrderKey(b) ? -1 : 1))
        for (const operatorId of OPERATORS) {
          for (const view of VIEWS) {
            const expected = sorted.filter((entry) =>
              view === 'mine'
                ? toHolders(entry, now).includes(operatorId)
                : toViews(entry, now).includes(view),
            )
            expect(listed(rows, view, operatorId)).toEqual(
              expected.map(({ session }) => session.id),
            )
            expect(rows.counts(operatorId)[view]).toBe(expected.length)
          }
        }
        expect(rows.idsBetween('', undefined)).toEqual([...all.keys()].sort())
      }),
      { numRuns: 300 },
    )
  })

  it('goes on after any key, also one that is no longer there', () => {
    const rows = new InboxRows()
    const now = new Date(START)
    for (const id of ['a', 'b', 'c', 'd']) rows.put(toEntry({ id }), now)
    const [, second] = [...rows.walk('assistant', 'olga', undefined)]
    const rest = () =>
      [...rows.walk('assistant', 'olga', second?.[0])].map(([key]) => key.slice(-1))
    expect(rest()).toEqual(['c', 'd'])
    rows.delete('b')
    expect(rest()).toEqual(['c', 'd'])
    expect(rows.idsBetween('a', 'c')).toEqual(['c'])
  })

  it('leaves out sessions that need no person where there are too many', () => {
    const rows = new InboxRows(3)
    const now = new Date(START)
    for (const [id, active] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
      ['d', 9],
    ] as const) {
      rows.put(toEntry({ id, active }), now)
    }
    expect([listed(rows, 'assistant'), rows.isPartial]).toEqual([['b', 'c', 'a'], true])
    rows.put(toEntry({ id: 'e', help: true }), now)
    rows.put(toEntry({ id: 'f', assistedBy: 'olga' }), now)
    rows.put(toEntry({ id: 'b', active: 4 }), now)
    expect(listed(rows, 'assistant')).toEqual(['b'])
    expect([listed(rows, 'help'), listed(rows, 'mine')]).toEqual([['e'], ['f']])
    expect(rows.size).toBe(3)
  })
})
