import { describe, expect, it } from '@jest/globals'
import {
  EMPTY_DESK,
  HTTP_ROUTES,
  INBOX_VIEWS,
  type InboxRow,
  type InboxView,
  type ServerPayload,
  type Session,
} from '@chatbox/contract'
import { askHttp } from '../support/ask-http.ts'
import type { ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'

const h = useGateway()

const operator = (userId: string) => ({ userId, name: userId, roles: ['chat_admin'] })

interface Chat {
  ann: ChatUser
  id: string
}

async function openChat(): Promise<Chat> {
  const ann = await h.connect({ name: 'Ann' })
  return { ann, id: (await ann.open()).session.id }
}

async function listAll(console_: ChatUser, view: InboxView): Promise<InboxRow[]> {
  const rows: InboxRow[] = []
  let after: string | undefined
  do {
    const page = await console_.emit('inbox:list', { view, limit: 3, ...(after && { after }) })
    rows.push(...page.rows)
    after = page.next ?? undefined
  } while (after !== undefined)
  return rows
}

const isOf = (id: string) => (row: InboxRow) => row.session.id === id
const told =
  (id: string, check: (row: InboxRow) => boolean) =>
  ({ rows }: ServerPayload<'inbox:changed'>) =>
    rows.some((row) => isOf(id)(row) && check(row))

async function viewsOf(console_: ChatUser, id: string): Promise<InboxView[]> {
  const found: InboxView[] = []
  for (const view of INBOX_VIEWS) {
    if ((await listAll(console_, view)).some(isOf(id))) found.push(view)
  }
  return found
}

/** Waits until a console of another gateway, too, sees the session in these views only. */
async function seen(console_: ChatUser, id: string, views: InboxView[]): Promise<void> {
  await waitUntil(async () => (await viewsOf(console_, id)).join() === views.join())
}

describe('the views of the inbox', () => {
  it('follow a session from its first word to its end, on each gateway', async () => {
    const chat = await openChat()
    const other = await h.startOther()
    const olga = await h.connect(operator('olga'))
    const paul = await h.connect({ ...operator('paul'), url: other.url })
    for (const one of [olga, paul]) await one.emit('inbox:subscribe', {})
    const sessionId = chat.id
    const both = async (views: InboxView[], ofOlga = views) => {
      await seen(olga, sessionId, ofOlga)
      await seen(paul, sessionId, views)
    }
    await both(['assistant'])
    await chat.ann.emit('help:request', { sessionId })
    await both(['help', 'unassigned'])
    await olga.emit('takeover:start', { sessionId })
    await both([], ['mine'])
    await olga.emit('takeover:end', { sessionId })
    await both(['unassigned', 'assistant'])
    await chat.ann.emit('session:end', { sessionId })
    await both(['ended'])
  })

  it('have the longest waiting first, and give a page after page', async () => {
    const olga = await h.connect(operator('olga'))
    await olga.emit('inbox:subscribe', {})
    const before = (await listAll(olga, 'help')).length
    const chats: Chat[] = []
    for (let count = 0; count < 5; count++) chats.push(await openChat())
    for (const { ann, id } of chats) await ann.emit('help:request', { sessionId: id })
    const ids = chats.map(({ id }) => id)
    await waitUntil(async () => (await listAll(olga, 'help')).length === before + 5)
    const rows = await listAll(olga, 'help')
    expect(rows.map(({ session }) => session.id).slice(before)).toEqual(ids)
    const since = rows.map(({ waitingSince }) => waitingSince ?? '')
    expect(since).toEqual([...since].sort())
    const counted = (await olga.emit('inbox:list', { view: 'help', limit: 1 })).counts
    expect(counted.help).toBe(before + 5)
  })

  it('are filtered by words of names, and refuse what they do not know', async () => {
    const chat = await openChat()
    await chat.ann.send({ id: chat.id }, 'Where is my ﬁsh?')
    const olga = await h.connect(operator('olga'))
    const find = async (text: string, view: InboxView = 'assistant') =>
      (await olga.emit('inbox:list', { view, text })).rows.map(({ session }) => session.id)
    await waitUntil(async () => (await find('MY FISH')).includes(chat.id))
    expect(await find(chat.ann.userId.slice(3))).toEqual([chat.id])
    expect(await find(chat.id)).toEqual([chat.id])
    expect(await find('no such words')).toEqual([])
    expect((await olga.emit('inbox:list', { view: 'assistant', tag: 'vip' })).rows).toEqual([])
    for (const input of [
      { view: 'all' },
      { view: 'help', after: 'x' },
      { view: 'ended', after: 'x' },
    ]) {
      expect(await olga.refusal('inbox:list', input)).toMatchObject({ code: 'INVALID_FORMAT' })
    }
    expect(await olga.refusal('inbox:subscribe', { cursor: 'x' })).toMatchObject({
      code: 'INVALID_FORMAT',
    })
  })
})

describe('a console', () => {
  it('is told of changes with a row that has no words but the name', async () => {
    const chat = await openChat()
    const olga = await h.connect(operator('olga'))
    await olga.emit('inbox:subscribe', {})
    await chat.ann.send({ id: chat.id }, 'Hello\nsecret words')
    const change = await olga.waitFor(
      'inbox:changed',
      told(chat.id, (row) => row.session.lastSeq === 1),
    )
    const row = change.rows.find(isOf(chat.id))
    expect(row).toMatchObject({ waitingSince: null, unread: 0, desk: EMPTY_DESK })
    expect(row?.session.name).toBe('Hello')
    expect(JSON.stringify(change)).not.toContain('secret')
    expect(change.counts.assistant).toBeGreaterThan(0)
  })

  it('is told of one session once a second at most, and then of its last state', async () => {
    const chat = await openChat()
    const olga = await h.connect(operator('olga'))
    await olga.emit('inbox:subscribe', {})
    const arrivals: number[] = []
    olga.socket.on('inbox:changed', ({ rows }: ServerPayload<'inbox:changed'>) => {
      if (rows.some(isOf(chat.id))) arrivals.push(performance.now())
    })
    const until = performance.now() + 2500
    let sent = 0
    while (performance.now() < until) {
      await chat.ann.send({ id: chat.id }, `word ${++sent}`)
    }
    await olga.waitFor(
      'inbox:changed',
      told(chat.id, ({ session }) => session.messageCount === sent),
    )
    const gaps = arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? 0))
    expect(gaps.length).toBeGreaterThan(1)
    expect(Math.min(...gaps)).toBeGreaterThan(950)
  })

  it('catches up by its cursor, on another gateway too', async () => {
    const chat = await openChat()
    const other = await h.startOther()
    const olga = await h.connect(operator('olga'))
    const { rows, cursor } = await olga.emit('inbox:subscribe', {})
    expect(rows).toEqual([])
    olga.close()
    const quiet = await openChat()
    await chat.ann.emit('help:request', { sessionId: chat.id })
    await quiet.ann.emit('session:end', { sessionId: quiet.id })
    const again = await h.connect({ ...operator('olga'), url: other.url })
    const missed = await again.emit('inbox:subscribe', { cursor })
    expect(missed.isTooOld).toBe(false)
    expect(missed.rows.find(isOf(chat.id))?.session.help).not.toBeNull()
    expect(missed.rows.find(isOf(quiet.id))?.session.status).toBe('ended')
  })

  it('is no longer told once its operator has lost the role', async () => {
    const chat = await openChat()
    const olga = await h.connect(operator('olga'))
    const paul = await h.connect(operator('paul'))
    for (const one of [olga, paul]) await one.emit('inbox:subscribe', {})
    await olga.emit('token:refresh', { token: await signToken({ sub: 'olga', roles: ['user'] }) })
    const before = olga.received.length
    await chat.ann.send({ id: chat.id }, 'Hello')
    await paul.waitFor(
      'inbox:changed',
      told(chat.id, ({ session }) => session.lastSeq === 1),
    )
    expect(olga.received.slice(before).map(({ event }) => event)).not.toContain('inbox:changed')
  })
})

describe('what an operator has not read', () => {
  const unreadOf = async (console_: ChatUser, id: string) =>
    (await listAll(console_, 'mine')).find(isOf(id))?.unread

  it('is the same in each tab and on each gateway, and nobody else’s', async () => {
    const chat = await openChat()
    const other = await h.startOther()
    const olga = await h.connect(operator('olga'))
    const tab = await h.connect({ ...operator('olga'), url: other.url })
    const paul = await h.connect(operator('paul'))
    for (const one of [olga, tab, paul]) await one.emit('inbox:subscribe', {})
    const sessionId = chat.id
    await olga.emit('takeover:start', { sessionId })
    await olga.emit('inbox:read', { sessionId, seq: 1 })
    for (const text of ['one', 'two']) await chat.ann.send({ id: chat.id }, text)
    for (const one of [olga, tab]) {
      await one.waitFor(
        'inbox:changed',
        told(sessionId, ({ unread }) => unread === 2),
      )
      expect(await unreadOf(one, sessionId)).toBe(2)
    }
    await tab.emit('inbox:read', { sessionId, seq: 2 })
    await olga.waitFor(
      'inbox:changed',
      told(sessionId, ({ unread }) => unread === 1),
    )
    await olga.emit('inbox:read', { sessionId, seq: 1 })
    expect(await unreadOf(olga, sessionId)).toBe(1)
    await tab.emit('inbox:read', { sessionId, seq: 3 })
    await olga.waitFor(
      'inbox:changed',
      told(sessionId, ({ unread }) => unread === 0),
    )
    await olga.emit('takeover:end', { sessionId })
    await chat.ann.send({ id: chat.id }, 'three')
    await olga.waitFor(
      'inbox:changed',
      told(sessionId, ({ unread }) => unread === 1),
    )
    const ofPaul = paul.received.flatMap((one) =>
      one.event === 'inbox:changed' ? one.payload.rows : [],
    )
    expect(ofPaul.filter(isOf(sessionId)).map(({ unread }) => unread)).not.toContain(1)
  })

  it('is nothing where the operator only looks, and no mark is beyond the end', async () => {
    const chat = await openChat()
    const olga = await h.connect(operator('olga'))
    const sessionId = chat.id
    await chat.ann.send({ id: sessionId }, 'Hello')
    await olga.emit('inbox:read', { sessionId, seq: 1 })
    expect(await h.backend.ports.inbox.findReadMark('olga', sessionId)).toBeUndefined()
    expect(await olga.refusal('inbox:read', { sessionId, seq: 9 })).toMatchObject({
      code: 'INVALID_FORMAT',
    })
    expect(await olga.refusal('inbox:read', { sessionId: 'none', seq: 0 })).toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})

describe('the list of all sessions', () => {
  const { response } = HTTP_ROUTES.listAllSessions

  async function ask(query: Record<string, string>): Promise<ReturnType<typeof response.parse>> {
    const token = await signToken({ sub: 'olga', roles: ['chat_admin'] })
    const search = new URLSearchParams(query).toString()
    const answer = await askHttp(h, `/chatbox/api/admin/sessions?${search}`, { token })
    const body: unknown = await answer.json()
    if (answer.status !== 200) throw new Error(JSON.stringify(body))
    return response.parse(body)
  }

  async function askAll(query: Record<string, string>): Promise<Session[]> {
    const { rows, next } = await ask(query)
    const sessions = rows.map(({ session }) => session)
    return next === null ? sessions : [...sessions, ...(await askAll({ ...query, after: next }))]
  }

  it('is paged, sorted and filtered', async () => {
    const chats: Chat[] = []
    for (let count = 0; count < 5; count++) chats.push(await openChat())
    const [first, second, third] = chats
    if (!first || !second || !third) throw new Error('there are five')
    await first.ann.emit('session:end', { sessionId: first.id })
    await second.ann.emit('help:request', { sessionId: second.id })
    const olga = await h.connect(operator('olga'))
    await olga.emit('takeover:start', { sessionId: third.id })
    const from = (await first.ann.open({ sessionId: first.id })).session.startedAt
    const ids = chats.map(({ id }) => id)
    const list = { sort: 'startedAt', order: 'asc', from, limit: '2' }
    const find = async (query: Record<string, string>) =>
      (await askAll({ ...list, ...query })).map(({ id }) => id).filter((id) => ids.includes(id))
    expect(await find({})).toEqual(ids)
    expect(await find({ order: 'desc' })).toEqual([...ids].reverse())
    expect(await find({ status: 'ended' })).toEqual([first.id])
    expect(await find({ help: 'true' })).toEqual([second.id])
    expect(await find({ help: 'false', status: 'active' })).toEqual(ids.slice(2))
    expect(await find({ assisted: 'true' })).toEqual([third.id])
    expect(await find({ userId: second.ann.userId })).toEqual([second.id])
    expect(await find({ q: third.ann.userId.toUpperCase() })).toEqual([third.id])
    expect(await find({ tag: 'vip' })).toEqual([])
  })

  it('refuses a filter that it does not know', async () => {
    for (const query of [
      { sort: 'name' },
      { help: 'yes' },
      { limit: '0' },
      { x: '1' },
      { after: 'x' },
    ]) {
      await expect(ask(query)).rejects.toThrow('INVALID_FORMAT')
    }
  })
})
