import { expect, it } from '@jest/globals'
import type { InboxRow } from '@chatbox/contract'
import { NewsFinder } from './find-news.ts'

const BEGAN = new Date('2026-05-05T10:00:00.000Z')

function rowOf(id: string, { askedAt = '', unread = 0, views = ['help'] } = {}): InboxRow {
  const help = askedAt === '' ? null : { requestedAt: `2026-05-05T${askedAt}:00.000Z`, note: '' }
  return { session: { id, help }, views, unread } as unknown as InboxRow
}

const kinds = (finder: NewsFinder, row: InboxRow) => finder.find([row]).map(({ news }) => news)

it('tells of a request once, of one taken back and asked anew again, and of none from before', () => {
  const finder = new NewsFinder(BEGAN)
  expect(kinds(finder, rowOf('old', { askedAt: '09:59' }))).toEqual([])
  expect(kinds(finder, rowOf('a', { askedAt: '10:01' }))).toEqual(['help'])
  expect(kinds(finder, rowOf('a', { askedAt: '10:01', unread: 2 }))).toEqual([])
  expect(kinds(finder, rowOf('a', { views: ['assistant'] }))).toEqual([])
  expect(kinds(finder, rowOf('a', { askedAt: '10:02' }))).toEqual(['help'])
  expect(kinds(finder, rowOf('old', { askedAt: '10:03' }))).toEqual(['help'])
})

it('tells of more unread messages in an own chat, and not of those of others', () => {
  const finder = new NewsFinder(BEGAN)
  const own = (unread: number) => rowOf('a', { unread, views: ['mine'] })
  finder.note([own(3)])
  expect(kinds(finder, own(3))).toEqual([])
  expect(kinds(finder, own(4))).toEqual(['message'])
  expect(kinds(finder, own(0))).toEqual([])
  expect(kinds(finder, own(1))).toEqual(['message'])
  const foreign = (unread: number) => rowOf('b', { unread, views: ['assistant'] })
  expect([...kinds(finder, foreign(1)), ...kinds(finder, foreign(2))]).toEqual([])
})

it('remembers so many chats', () => {
  const finder = new NewsFinder(BEGAN, 2)
  for (const id of ['a', 'b', 'c']) finder.find([rowOf(id, { unread: 1, views: ['mine'] })])
  expect(kinds(finder, rowOf('c', { unread: 1, views: ['mine'] }))).toEqual([])
  expect(kinds(finder, rowOf('a', { unread: 1, views: ['mine'] }))).toEqual(['message'])
})
