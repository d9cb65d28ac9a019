import { describe, expect, it } from '@jest/globals'
import type { InboxRow, ServerPayload } from '@chatbox/contract'
import { InboxList } from './inbox-list.ts'

const COUNTS = { help: 0, mine: 0, unassigned: 0, assistant: 0, snoozed: 0, ended: 0 }

function rowOf(id: string, key: string, views: string[] = ['help']): InboxRow {
  const changedAt = `2026-05-05T10:00:0${key}.000Z`
  return {
    session: { id, lastActivityAt: changedAt },
    key,
    views,
    changedAt,
  } as unknown as InboxRow
}

interface Asked {
  event: string
  payload: { view?: string; after?: string; cursor?: string }
}

/** A server that answers with what the test puts in. */
function openList() {
  const asked: Asked[] = []
  const pages: { rows: InboxRow[]; next: string | null }[] = []
  const told: string[] = []
  let isTooOld = false
  let change: ((change: ServerPayload<'inbox:changed'>) => void) | undefined
  const server = {
    on(_event: string, listener: typeof change) {
      change = listener
      return () => undefined
    },
    async request(event: string, payload: Asked['payload']) {
      asked.push({ event, payload })
      if (event === 'inbox:list')
        return { ...(pages.shift() ?? { rows: [], next: null }), counts: COUNTS }
      return { rows: [], counts: COUNTS, cursor: 'c1', isTooOld, isPartial: false }
    },
  }
  const list = new InboxList(
    server as unknown as ConstructorParameters<typeof InboxList>[0],
    (rows, why) => told.push(...rows.map(({ session }) => `${why} ${session.id}`)),
  )
  return {
    ...{ list, asked, pages, told },
    ids: () => list.state.rows.map(({ session }) => session.id),
    tell: (...rows: InboxRow[]) => change?.({ rows, counts: COUNTS, cursor: 'c2' }),
    beTooOld: () => (isTooOld = true),
  }
}

describe('the list of a view', () => {
  it('takes rows in and out where they belong, without asking again', async () => {
    const { list, asked, pages, ids, tell } = openList()
    pages.push({ rows: [rowOf('b', '2'), rowOf('d', '4')], next: null })
    await list.follow()
    expect(ids()).toEqual(['b', 'd'])
    const before = asked.length
    tell(rowOf('c', '3'), rowOf('x', '1', ['assistant']))
    expect(ids()).toEqual(['b', 'c', 'd'])
    tell(rowOf('d', '1'), rowOf('b', '2', ['mine']))
    expect(ids()).toEqual(['d', 'c'])
    expect(asked).toHaveLength(before)
  })

  it('leaves what comes behind its last row to the next page, which has nothing twice', async () => {
    const { list, asked, pages, ids, tell } = openList()
    pages.push({ rows: [rowOf('a', '1'), rowOf('c', '3')], next: '3' })
    await list.show('help', '')
    tell(rowOf('d', '4'), rowOf('b', '2'))
    expect(ids()).toEqual(['a', 'b', 'c'])
    pages.push({ rows: [rowOf('c', '3'), rowOf('d', '4')], next: null })
    await list.readMore()
    expect(asked.at(-1)?.payload).toMatchObject({ view: 'help', after: '3' })
    expect(ids()).toEqual(['a', 'b', 'c', 'd'])
    await list.readMore()
    expect(asked).toHaveLength(2)
  })

  it('shows the view that was wished for last, whichever answer comes last', async () => {
    const { list, pages, ids } = openList()
    pages.push(
      { rows: [rowOf('a', '1')], next: null },
      { rows: [rowOf('m', '1', ['mine'])], next: null },
    )
    await Promise.all([list.show('help', ''), list.show('mine', '')])
    expect([list.state.view, ids()]).toEqual(['mine', ['m']])
  })

  it('catches up by its cursor, and reads anew where that is too old', async () => {
    const { list, asked, tell, beTooOld } = openList()
    await list.follow()
    tell(rowOf('a', '1'))
    await list.follow()
    expect(asked.at(-1)).toEqual({ event: 'inbox:subscribe', payload: { cursor: 'c2' } })
    beTooOld()
    await list.follow()
    expect(asked.slice(-2).map(({ event }) => event)).toEqual(['inbox:subscribe', 'inbox:list'])
  })

  it('keeps what has changed while a page was read', async () => {
    const { list, pages, ids, tell, told } = openList()
    pages.push({ rows: [rowOf('a', '1'), rowOf('b', '2'), rowOf('c', '3')], next: null })
    const reading = list.show('help', '')
    tell(rowOf('a', '4', ['mine']), rowOf('b', '5'))
    await reading
    expect(ids()).toEqual(['c', 'b'])
    expect(told).toEqual(['changed a', 'changed b', 'listed a', 'listed b', 'listed c'])
  })

  it('adds nothing to a search that the server has not found', async () => {
    const { list, pages, ids, tell } = openList()
    pages.push({ rows: [rowOf('a', '1')], next: null })
    await list.show('help', 'ann')
    tell(rowOf('b', '0'), rowOf('a', '1', []))
    expect(ids()).toEqual([])
  })
})
