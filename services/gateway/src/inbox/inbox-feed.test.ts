import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { EMPTY_DESK } from '@chatbox/contract'
import {
  AppError,
  INBOX_SLACK_MS,
  initialState,
  toSession,
  type Inbox,
  type InboxEntry,
} from '@chatbox/core'
import { CHECKED_PER_POLL, InboxFeed, POLL_MS } from './inbox-feed.ts'

const START = Date.UTC(2026, 0, 1)

interface Shape {
  seq: number
  changedAt: number
  status?: string
}

function entryOf(id: string, { seq, changedAt, status = 'active' }: Shape): InboxEntry {
  const at = new Date(START).toISOString()
  const origin = { id, userId: 'ann', userName: '', startedAt: at }
  const state = { ...initialState('demo', at), status }
  return {
    session: toSession(origin, { seq, state }),
    ...{ waitingSince: null, userTexts: 0, desk: EMPTY_DESK },
    changedAt: new Date(changedAt).toISOString(),
  }
}

/** A store whose sessions are what a test puts there. */
function createStore() {
  const stored = new Map<string, InboxEntry>()
  let isAway = false
  const calls = { read: 0, listChanges: 0 }
  const ifThere = <T>(value: T): Promise<T> =>
    isAway ? Promise.reject(new AppError('UNAVAILABLE', 'away')) : Promise.resolve(value)
  const inbox: Inbox = {
    now: () => ifThere(new Date()),
    listActive({ afterId, limit }) {
      const all = [...stored.values()]
        .filter(({ session }) => session.status === 'active' && session.id > afterId)
        .sort((a, b) => (a.session.id < b.session.id ? -1 : 1))
      const entries = all.slice(0, limit)
      return ifThere({
        entries,
        lastId: entries.length < limit ? undefined : entries.at(-1)?.session.id,
      })
    },
    listChanges({ changedAt }, limit) {
      calls.listChanges++
      const marks = [...stored.values()].map((entry) => ({
        sessionId: entry.session.id,
        changedAt: new Date(entry.changedAt),
      }))
      const after = marks.filter((mark) => mark.changedAt > changedAt)
      return ifThere(
        after.sort((a, b) => a.changedAt.getTime() - b.changedAt.getTime()).slice(0, limit),
      )
    },
    read(ids) {
      calls.read += ids.length
      return ifThere(ids.flatMap((id) => stored.get(id) ?? []))
    },
    list: () => ifThere({ entries: [], next: undefined }),
    countEnded: () =>
      ifThere([...stored.values()].filter(({ session }) => session.status === 'ended').length),
    moveReadMark: () => ifThere(undefined),
    findReadMark: () => ifThere(undefined),
    listReadMarks: () => ifThere([]),
    listMovedReadMarks: () => ifThere([]),
  }
  return {
    inbox,
    calls,
    /** `agoMs` is how long before now the store has stamped the change. */
    put(id: string, seq: number, { agoMs = 0, status = 'active' } = {}) {
      stored.set(id, entryOf(id, { seq, changedAt: Date.now() - agoMs, status }))
    },
    erase: (id: string) => void stored.delete(id),
    setAway(value: boolean) {
      isAway = value
    },
  }
}

async function open(store: ReturnType<typeof createStore>) {
  const told: string[] = []
  const warnings: unknown[] = []
  const feed = new InboxFeed({
    inbox: store.inbox,
    logger: { warn: (...args: unknown[]) => void warnings.push(args), info: () => undefined },
    onChanged: (entries) =>
      void told.push(...entries.map(({ session }) => `${session.id}${session.lastSeq}`)),
    onMoved: () => undefined,
    onPolled: () => undefined,
  })
  await feed.start()
  return {
    feed,
    told,
    warnings,
    poll: (times = 1) => jest.advanceTimersByTimeAsync(times * POLL_MS),
  }
}

beforeEach(() => {
  jest.useFakeTimers({ now: START + 3_600_000 })
})
afterEach(() => {
  jest.useRealTimers()
})

describe('InboxFeed', () => {
  it('knows all sessions from the start, and each change within a poll', async () => {
    const store = createStore()
    for (let index = 0; index < 1200; index++) store.put(`s${index}`, 1, { agoMs: 60_000 })
    store.put('over', 1, { agoMs: 60_000, status: 'ended' })
    const { feed, told, poll } = await open(store)
    expect([feed.rows.size, feed.ended]).toEqual([1200, 1])
    store.put('s7', 2)
    store.put('new', 1)
    store.put('s8', 2, { agoMs: 0, status: 'ended' })
    await poll()
    expect(told.sort()).toEqual(['new1', 's72', 's82'])
    expect([feed.rows.size, feed.ended, feed.rows.find('s8')]).toEqual([1200, 2, undefined])
    feed.stop()
  })

  it('misses no change that was on its way when a later one was read', async () => {
    const store = createStore()
    const { feed, told, poll } = await open(store)
    await poll(10)
    store.put('later', 1)
    await poll()
    store.put('slow', 1, { agoMs: INBOX_SLACK_MS - POLL_MS })
    await poll()
    expect(told).toEqual(['later1', 'slow1'])
    feed.stop()
  })

  it('reads a session once for each change, and nothing where nothing changes', async () => {
    const store = createStore()
    for (let index = 0; index < 500; index++) store.put(`s${index}`, 1, { agoMs: 60_000 })
    const { feed, poll } = await open(store)
    await poll(5)
    expect(store.calls.read).toBe(0)
    store.put('s1', 2)
    await poll(20)
    // Once more, because another change could have the same time.
    expect(store.calls.read).toBeLessThanOrEqual(2)
    feed.stop()
  })

  it('sees a second change with the time of the first', async () => {
    const store = createStore()
    const { feed, poll } = await open(store)
    await jest.advanceTimersByTimeAsync(POLL_MS - 1)
    store.put('s', 1, { agoMs: -1 })
    await jest.advanceTimersByTimeAsync(1)
    expect(feed.rows.find('s')?.session.lastSeq).toBe(1)
    store.put('s', 2, { agoMs: 0 })
    await poll()
    expect(feed.rows.find('s')?.session.lastSeq).toBe(2)
    feed.stop()
  })

  it('finds by its round what the store did not stamp, and what was erased', async () => {
    const store = createStore()
    const sessions = 3 * CHECKED_PER_POLL
    for (let index = 0; index < sessions; index++) store.put(`s${index}`, 1, { agoMs: 60_000 })
    const { feed, told, poll } = await open(store)
    store.put('s3', 2, { agoMs: 60_000 })
    store.put('unstamped', 1, { agoMs: 60_000 })
    store.put('s4', 2, { agoMs: 60_000, status: 'ended' })
    store.erase('s5')
    await poll(5)
    expect(told.sort()).toEqual(['s32', 's42', 'unstamped1'])
    expect([feed.rows.find('s4'), feed.rows.find('s5')]).toEqual([undefined, undefined])
    expect(feed.rows.size).toBe(sessions - 1)
    feed.stop()
  })

  it('goes on where it was once the store is back, and says so once', async () => {
    const store = createStore()
    const { feed, told, warnings, poll } = await open(store)
    store.setAway(true)
    store.put('s', 1)
    await poll(60)
    store.setAway(false)
    await poll()
    expect(told).toEqual(['s1'])
    expect(warnings).toHaveLength(1)
    feed.stop()
  })

  it('is not misled by a clock that is set back', async () => {
    const store = createStore()
    const { feed, told, poll } = await open(store)
    jest.setSystemTime(START)
    await poll(2)
    store.put('s', 1)
    await poll()
    expect(told).toEqual(['s1'])
    feed.stop()
  })

  it('reads nothing after its end', async () => {
    const store = createStore()
    const { feed, poll } = await open(store)
    feed.stop()
    const before = store.calls.listChanges
    await poll(5)
    expect(store.calls.listChanges).toBe(before)
  })
})
