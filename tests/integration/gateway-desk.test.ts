import { describe, expect, it } from '@jest/globals'
import type { ClientPayload, DeskEntry, NewDeskAction, Session } from '@chatbox/contract'
import { MAX_DESKS_PER_SOCKET } from '../../services/gateway/src/ws/rooms/desk-rooms.ts'
import { signToken } from '../environment/tokens.ts'
import type { ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'

const TAGS = ['bug', 'vip']
const h = useGateway({ operators: { tags: TAGS } })

const OLGA = { userId: 'olga', name: 'Olga', roles: ['chat_admin'] }
const PAUL = { userId: 'paul', name: 'Paul', roles: ['admin'] }
const NEVER = '2100-01-01T00:00:00.000Z'
const NOTE = { type: 'note', text: 'Wants a refund', mentions: [] } satisfies NewDeskAction

interface Chat {
  ann: ChatUser
  session: Session
}

async function openChat(): Promise<Chat> {
  const ann = await h.connect({ name: 'Ann' })
  return { ann, session: (await ann.open()).session }
}

function toAppend(
  { session }: Chat,
  action: object,
  clientEntryId: string = crypto.randomUUID(),
): ClientPayload<'desk:append'> {
  return { sessionId: session.id, clientEntryId, action: action as NewDeskAction }
}

const newsOf = (user: ChatUser): DeskEntry[] =>
  user.received.flatMap((one) => (one.event === 'desk:new' ? one.payload.entry : []))

describe('the desk of a session', () => {
  it('is told live to the operators who have opened it, and to nobody else', async () => {
    const chat = await openChat()
    const sessionId = chat.session.id
    const [olga, paul, bystander] = [
      await h.connect(OLGA),
      await h.connect(PAUL),
      await h.connect(PAUL),
    ]
    await bystander.open({ sessionId })
    for (const one of [olga, paul]) {
      expect(await one.emit('desk:open', { sessionId })).toMatchObject({
        ...{ desk: { seq: 0 }, entries: [], hasMore: false, draft: '', knownTags: TAGS },
      })
    }
    const action = { ...NOTE, mentions: ['paul'] }
    const { entry, desk } = await olga.emit('desk:append', toAppend(chat, action))
    expect(entry).toMatchObject({ ...{ sessionId, seq: 1, action }, by: { id: 'olga' } })
    expect(entry.by).toEqual({ id: 'olga', name: 'Olga' })
    for (const one of [olga, paul]) {
      expect(await one.waitFor('desk:new')).toEqual({ entry, desk })
    }
    await chat.ann.send(chat.session, 'Hello')
    await bystander.waitFor('message:new')
    await chat.ann.waitFor('message:new')
    expect([...newsOf(bystander), ...newsOf(chat.ann)]).toEqual([])
  })

  it('takes each action, and pages by seq', async () => {
    const chat = await openChat()
    const olga = await h.connect(OLGA)
    const actions: NewDeskAction[] = [
      { type: 'assigned', to: { id: 'paul', name: 'Paul' } },
      { type: 'tagged', tags: ['vip'] },
      { type: 'prioritized', priority: 'urgent' },
      { type: 'snoozed', until: '2100-01-01T00:00:00Z' },
      { type: 'summary', text: 'They talked', upToSeq: 0 },
      { type: 'draft_used', outcome: 'as_is' },
    ]
    for (const action of actions) await olga.emit('desk:append', toAppend(chat, action))
    const sessionId = chat.session.id
    const { desk, entries } = await olga.emit('desk:open', { sessionId })
    expect(desk).toEqual({
      ...{ seq: 6, assignee: { id: 'paul', name: 'Paul' }, tags: ['vip'] },
      ...{ priority: 'urgent', snoozedUntil: NEVER },
    })
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
    const page = await olga.emit('desk:open', { sessionId, afterSeq: 1, limit: 2 })
    expect(page).toMatchObject({ entries: [{ seq: 2 }, { seq: 3 }], hasMore: true })
    const none = await olga.emit('desk:append', toAppend(chat, { type: 'assigned', to: null }))
    expect(none.desk.assignee).toBeNull()
  })

  it('takes an entry once that is sent twice, and two of two operators', async () => {
    const chat = await openChat()
    const [olga, paul] = [await h.connect(OLGA), await h.connect(PAUL)]
    await paul.emit('desk:open', { sessionId: chat.session.id })
    const twice = toAppend(chat, NOTE, 'same')
    const first = await olga.emit('desk:append', twice)
    expect(await olga.emit('desk:append', twice)).toEqual(first)
    const other = await paul.emit('desk:append', twice)
    expect(other.entry.seq).toBe(2)
    await paul.waitFor('desk:new', ({ entry }) => entry.seq === 2)
    expect(newsOf(paul).map(({ seq }) => seq)).toEqual([1, 2])
  })

  it.each<[string, object, string]>([
    ['an unknown tag', { type: 'tagged', tags: ['bug', 'none'] }, 'action.tags.1'],
    [
      'a snooze in the past',
      { type: 'snoozed', until: '2020-01-01T00:00:00.000Z' },
      'action.until',
    ],
    ['a snooze of no time', { type: 'snoozed', until: 'soon' }, 'action.until'],
    ['a note over its length', { ...NOTE, text: 'x'.repeat(10_001) }, 'action.text'],
    ['a note that cannot be seen', { ...NOTE, text: ' \u200b' }, 'action.text'],
    ['too many mentions', { ...NOTE, mentions: Array(21).fill('paul') }, 'action.mentions'],
    ['too many tags', { type: 'tagged', tags: Array(21).fill('bug') }, 'action.tags'],
    ['an unknown priority', { type: 'prioritized', priority: 'asap' }, 'action.priority'],
    [
      'a summary of what is not there',
      { type: 'summary', text: 'x', upToSeq: 9 },
      'action.upToSeq',
    ],
    ['an unknown action', { type: 'unknown' }, 'action.type'],
    ['a field too many', { ...NOTE, more: 1 }, 'more'],
  ])('refuses %s, names the field and changes nothing', async (_, action, field) => {
    const chat = await openChat()
    const olga = await h.connect(OLGA)
    const refusal = await olga.refusal('desk:append', toAppend(chat, action))
    expect(refusal).toMatchObject({ code: 'INVALID_FORMAT' })
    expect(refusal.message).toContain(`"${field}"`)
    const { desk, entries } = await olga.emit('desk:open', { sessionId: chat.session.id })
    expect([desk.seq, entries]).toEqual([0, []])
  })

  it('keeps a tag that is no longer among the known ones, until it is taken off', async () => {
    const chat = await openChat()
    const olga = await h.connect(OLGA)
    await olga.emit('desk:append', toAppend(chat, { type: 'tagged', tags: ['vip'] }))
    const other = await h.startOther({ operators: { tags: ['bug'] } })
    const later = await h.connect({ ...OLGA, url: other.url })
    const both = await later.emit('desk:append', toAppend(chat, { type: 'tagged', tags: TAGS }))
    expect(both.desk.tags).toEqual(TAGS)
    await later.emit('desk:append', toAppend(chat, { type: 'tagged', tags: ['bug'] }))
    const again = toAppend(chat, { type: 'tagged', tags: TAGS })
    expect(await later.refusal('desk:append', again)).toMatchObject({ code: 'INVALID_FORMAT' })
  })

  it('takes notes and tags of an ended session, and no snooze', async () => {
    const chat = await openChat()
    const olga = await h.connect(OLGA)
    await chat.ann.emit('session:end', { sessionId: chat.session.id })
    await olga.emit('desk:append', toAppend(chat, NOTE))
    const tagged = await olga.emit('desk:append', toAppend(chat, { type: 'tagged', tags: ['bug'] }))
    expect(tagged.desk).toMatchObject({ seq: 2, tags: ['bug'] })
    const snooze = toAppend(chat, { type: 'snoozed', until: NEVER })
    expect(await olga.refusal('desk:append', snooze)).toMatchObject({ code: 'SESSION_ENDED' })
  })

  it('is no longer told to an operator who has lost the role, and not to one who loses it', async () => {
    const chat = await openChat()
    const sessionId = chat.session.id
    const [olga, paul] = [await h.connect(OLGA), await h.connect(PAUL)]
    for (const one of [olga, paul]) await one.emit('desk:open', { sessionId })
    const opening = Array.from({ length: 20 }, () => olga.emitRaw('desk:open', { sessionId }))
    await olga.emit('token:refresh', { token: await signToken({ sub: 'olga', roles: ['user'] }) })
    await Promise.all(opening)
    await paul.emit('desk:append', toAppend(chat, NOTE))
    await paul.waitFor('desk:new')
    expect(await olga.refusal('desk:open', { sessionId })).toMatchObject({ code: 'FORBIDDEN' })
    expect(newsOf(olga)).toEqual([])
  })

  it('is followed by one socket for so many sessions, the latest ones', async () => {
    const olga = await h.connect(OLGA)
    const chats: Chat[] = []
    for (let count = 0; count <= MAX_DESKS_PER_SOCKET; count++) {
      const chat = await openChat()
      chats.push(chat)
      await olga.emit('desk:open', { sessionId: chat.session.id })
    }
    const [first, second] = chats
    if (!first || !second) throw new Error('there are more')
    const paul = await h.connect(PAUL)
    await paul.emit('desk:append', toAppend(first, NOTE))
    const { entry } = await paul.emit('desk:append', toAppend(second, NOTE))
    await olga.waitFor('desk:new', (news) => news.entry.id === entry.id)
    expect(newsOf(olga)).toEqual([entry])
  })
})

describe('a desk in the inbox', () => {
  it('is in the row at once, moves it between views, and a word of the user ends a snooze', async () => {
    const chat = await openChat()
    const sessionId = chat.session.id
    const [olga, paul] = [await h.connect(OLGA), await h.connect(PAUL)]
    await paul.emit('inbox:subscribe', {})
    const rowsOf = async (view: 'mine' | 'snoozed' | 'help') =>
      (await paul.emit('inbox:list', { view })).rows.filter(
        ({ session }) => session.id === sessionId,
      )
    const until = (check: (desk: { seq: number; snoozedUntil: string | null }) => boolean) =>
      paul.waitFor('inbox:changed', ({ rows }) =>
        rows.some(({ session, desk }) => session.id === sessionId && check(desk)),
      )
    await chat.ann.emit('help:request', { sessionId })
    const to = { id: 'paul', name: 'Paul' }
    await olga.emit('desk:append', toAppend(chat, { type: 'assigned', to }))
    await until(({ seq }) => seq === 1)
    expect(await rowsOf('mine')).toMatchObject([{ desk: { assignee: to } }])
    await olga.emit('desk:append', toAppend(chat, { type: 'snoozed', until: NEVER }))
    await until(({ seq }) => seq === 2)
    expect([await rowsOf('mine'), await rowsOf('help')]).toEqual([[], []])
    expect(await rowsOf('snoozed')).toMatchObject([{ desk: { snoozedUntil: NEVER } }])
    await chat.ann.send(chat.session, 'Is anybody there?')
    await until(({ seq, snoozedUntil }) => seq === 2 && snoozedUntil === null)
    expect(await rowsOf('snoozed')).toEqual([])
    expect(await rowsOf('help')).toHaveLength(1)
    expect(await rowsOf('mine')).toHaveLength(1)
  })

  it('is found by tag and priority', async () => {
    const chat = await openChat()
    const olga = await h.connect(OLGA)
    await olga.emit('inbox:subscribe', {})
    await olga.emit('desk:append', toAppend(chat, { type: 'tagged', tags: ['vip'] }))
    await olga.emit('desk:append', toAppend(chat, { type: 'prioritized', priority: 'high' }))
    await olga.waitFor('inbox:changed', ({ rows }) =>
      rows.some(({ session, desk }) => session.id === chat.session.id && desk.seq === 2),
    )
    const filter = { view: 'assistant', tag: 'vip', priority: 'high' } as const
    const { rows } = await olga.emit('inbox:list', filter)
    expect(rows.map(({ session }) => session.id)).toEqual([chat.session.id])
    expect((await olga.emit('inbox:list', { ...filter, priority: 'low' })).rows).toEqual([])
  })
})

describe('the draft of an operator', () => {
  it('is on each of their pages, on any gateway, and nobody else’s', async () => {
    const chat = await openChat()
    const sessionId = chat.session.id
    const other = await h.startOther()
    const [olga, tab, paul] = [
      await h.connect(OLGA),
      await h.connect({ ...OLGA, url: other.url }),
      await h.connect(PAUL),
    ]
    const draftOf = async (one: ChatUser) => (await one.emit('desk:open', { sessionId })).draft
    await olga.emit('desk:draft', { sessionId, text: 'Dear Ann, ' })
    expect([await draftOf(tab), await draftOf(paul)]).toEqual(['Dear Ann, ', ''])
    await tab.emit('desk:draft', { sessionId, text: '' })
    expect(await draftOf(olga)).toBe('')
  })

  it('ends with the session, whoever ends it', async () => {
    for (const [event, by] of [
      ['session:end', 'ann'],
      ['session:end', 'olga'],
      ['session:create', 'ann'],
    ] as const) {
      const chat = await openChat()
      const sessionId = chat.session.id
      const olga = await h.connect(OLGA)
      await olga.emit('desk:draft', { sessionId, text: 'Dear Ann, ' })
      const user = by === 'ann' ? chat.ann : olga
      await user.emitRaw(event, event === 'session:end' ? { sessionId } : {})
      expect((await olga.emit('desk:open', { sessionId })).draft).toBe('')
      const key = { sessionId, operatorId: 'olga' }
      expect(await h.backend.ports.desks.findDraft(key)).toBe('')
      expect(await olga.refusal('desk:draft', { sessionId, text: 'Dear' })).toMatchObject({
        code: 'SESSION_ENDED',
      })
    }
  })

  it('over its length is refused', async () => {
    const chat = await openChat()
    const olga = await h.connect(OLGA)
    const text = 'x'.repeat(10_001)
    const refusal = await olga.refusal('desk:draft', { sessionId: chat.session.id, text })
    expect(refusal).toMatchObject({ code: 'INVALID_FORMAT' })
    expect(refusal.message).toContain('"text"')
  })
})
