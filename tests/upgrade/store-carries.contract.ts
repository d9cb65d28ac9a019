import { afterEach, beforeEach, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import type { NewEntry } from '@chatbox/core'
import { toContext } from '../../shared/adapters/src/sealed/key-ring.ts'
import {
  eventEntry,
  eventually,
  finishReply,
  newId,
  newSession,
  startReply,
  userEntry,
} from '../contract/store.support.ts'
import { ADDED, find, findUnmarked, NEXT_TEXT, pathsOfObjects } from './next-version.ts'
import type { RawEntry, RawState, SharedStore } from './shared-store.ts'

/** What goes from the rows that the next version wrote into those that this one writes. */
export function describeCarrying(open: () => Promise<SharedStore>): void {
  let shared: SharedStore
  let next: Store
  let sessionId: string
  const by = { id: newId(), name: 'Grace' }
  beforeEach(async () => {
    shared = await open()
    next = await shared.open('next')
    const session = newSession()
    sessionId = session.id
    await next.sessions.create(session)
  })
  afterEach(() => shared.close())

  /** The log goes on in a process of this version, which finds it as the next one wrote it. */
  async function goOn(...entries: NewEntry[]): Promise<{ before: RawEntry; after: RawEntry }> {
    // With it go its projections, which would come after what is upgraded here.
    await next.close()
    await shared.upgrade()
    const before = (await shared.readRows(sessionId)).at(-1)
    const store = await shared.open('this')
    for (const entry of entries) await store.messages.append(entry)
    const after = (await shared.readRows(sessionId)).at(-1)
    if (!before || !after) throw new Error('the log is empty')
    return { before, after }
  }

  const textsOf = ({ stateSealed }: RawState, seq: number): unknown =>
    JSON.parse(shared.cipher.open(stateSealed, toContext('state', sessionId, String(seq))))

  /** Objects of the state before that an entry has left in place, and that lost what was added. */
  function findLost(before: RawState, after: RawState): string[] {
    return pathsOfObjects(before.state)
      .filter((path) => find(after.state, path) !== null)
      .filter((path) => find(after.state, [...path, ADDED]) === undefined)
      .map((path) => path.join('.'))
  }

  it('finds the next version at every level of a state', async () => {
    await next.messages.append(userEntry(sessionId))
    const { before } = await goOn()
    expect(findUnmarked(before.state)).toEqual([])
    expect(pathsOfObjects(before.state).length).toBeGreaterThanOrEqual(3)
    expect(textsOf(before, before.seq)).toMatchObject({ [ADDED]: { text: NEXT_TEXT } })
  })

  it.each<[string, () => NewEntry[]]>([
    ['a message', () => [userEntry(sessionId)]],
    ['several messages', () => [userEntry(sessionId), userEntry(sessionId)]],
    ['a change of model', () => [eventEntry(sessionId, { type: 'model_selected', modelId: 'b' })]],
    ['a takeover', () => [eventEntry(sessionId, { type: 'takeover_started', by })]],
    ['an end', () => [eventEntry(sessionId, { type: 'session_ended', reason: 'user' })]],
  ])('keeps the state of the next version over %s', async (_what, entries) => {
    await next.messages.append(eventEntry(sessionId, { type: 'help_requested', note: 'Please.' }))
    const { before, after } = await goOn(...entries())
    expect(findLost(before, after)).toEqual([])
    expect(textsOf(after, after.seq)).toMatchObject({ [ADDED]: { text: NEXT_TEXT } })
  })

  it('keeps what is known of who has taken over', async () => {
    await next.messages.append(eventEntry(sessionId, { type: 'takeover_started', by }))
    const sender = { type: 'admin', ...by } as const
    const { before, after } = await goOn(userEntry(sessionId, { sender }))
    expect(pathsOfObjects(before.state)).toContainEqual(['assistedBy'])
    expect(findLost(before, after)).toEqual([])
  })

  it('keeps the state of the next version over a reply, whose usage it counts', async () => {
    await next.messages.append(userEntry(sessionId))
    const { before } = await goOn()
    const store = await shared.open('this')
    await finishReply(store, await startReply(store, sessionId))
    const after = (await shared.readRows(sessionId)).at(-1)
    if (!after) throw new Error('the log is empty')
    expect(after.state).toMatchObject({ usage: { totalTokens: 8 }, responses: { count: 1 } })
    expect(findLost(before, after)).toEqual([])
  })

  it('writes it into the projection as well', async () => {
    await next.messages.append(userEntry(sessionId))
    const { before, after } = await goOn(
      eventEntry(sessionId, { type: 'session_ended', reason: 'user' }),
    )
    const session = await eventually(
      () => shared.readSession(sessionId),
      ({ state }) => find(state, ['status']) === 'ended',
    )
    expect(findLost(before, session)).toEqual([])
    expect(textsOf(session, after.seq)).toMatchObject({ [ADDED]: { text: NEXT_TEXT } })
  })
}
