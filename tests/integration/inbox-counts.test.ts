import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import type { InboxCounts, Person, SessionEvent } from '@chatbox/contract'
import { AppError, toHolders, toViews, type NewEntry } from '@chatbox/core'
import { describeWithMongo, openMongoLab, type MongoLab } from '../contract/mongo.support.ts'
import {
  eventEntry,
  modelEntry,
  startSession,
  times,
  untilStored,
  userEntry,
} from '../contract/store.support.ts'
import { waitUntil } from '../environment/wait-until.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { TestPorts } from '../support/test-gateway.ts'

type StoreParts = Pick<Store, 'sessions' | 'messages' | 'replies' | 'inbox'>

const EVENTS = 10_000
const BURSTS = 10
const LANES = 20
/** The sessions of a lane at once. One that has ended is replaced. */
const PER_LANE = 4
const RIGHT_WITHIN_MS = 2000
const OPERATORS: Person[] = ['olga', 'paul'].map((id) => ({ id, name: id }))

const h = useGateway()

/** The same numbers in each run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Something that may happen to a session, whether or not its state allows it. */
function pickEntry(sessionId: string, random: (below: number) => number): NewEntry {
  const by = OPERATORS[random(OPERATORS.length)] ?? { id: 'olga', name: 'olga' }
  const events: SessionEvent[] = [
    { type: 'help_requested', note: '' },
    { type: 'help_resolved' },
    { type: 'takeover_started', by },
    { type: 'takeover_ended', by },
    { type: 'takeover_ended', by },
    { type: 'session_ended', reason: 'user' },
  ]
  const event = events[random(16)]
  if (event) return eventEntry(sessionId, event)
  const sender = { ...by, type: 'admin' as const }
  const texts = [
    () => userEntry(sessionId),
    () => modelEntry(sessionId),
    () => userEntry(sessionId, { sender }),
  ]
  return (texts[random(texts.length)] ?? modelEntry)(sessionId)
}

/** Appends until so many entries were accepted. */
async function runLane(
  {
    store,
    accepted,
    random,
  }: { store: StoreParts; accepted: number; random: (n: number) => number },
  ids: string[],
): Promise<void> {
  for (let done = 0; done < accepted;) {
    const index = random(PER_LANE)
    const id = (ids[index] ??= await untilStored(() => startSession(store as Store)))
    const entry = pickEntry(id, random)
    try {
      await untilStored(() => store.messages.append(entry))
      done++
      if (entry.message.event?.type === 'session_ended') ids.splice(index, 1)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
    }
  }
}

/** What the store says, from the logs themselves. */
async function countAll({ inbox }: StoreParts, operatorId: string): Promise<InboxCounts> {
  const counts = { help: 0, mine: 0, unassigned: 0, assistant: 0, snoozed: 0, ended: 0 }
  const now = await inbox.now()
  for (let afterId: string | undefined = ''; afterId !== undefined;) {
    const page = await inbox.listActive({ afterId, limit: 100, isChecked: true })
    for (const entry of page.entries) {
      for (const view of toViews(entry, now)) counts[view]++
      if (toHolders(entry, now).includes(operatorId)) counts.mine++
    }
    afterId = page.lastId
  }
  return { ...counts, ended: await inbox.countEnded(EVENTS) }
}

async function expectRightCounts(stores: readonly [StoreParts, StoreParts]): Promise<void> {
  const ports = (store: StoreParts): Partial<TestPorts> => {
    const { sessions, messages, replies, inbox } = store
    return { sessions, messages, replies, inbox }
  }
  const consoles = await Promise.all(
    OPERATORS.map(async ({ id }, index) => {
      const gateway = await h.startOther({}, ports(stores[index === 0 ? 0 : 1]))
      const operator = await h.connect({ url: gateway.url, userId: id, roles: ['chat_admin'] })
      let { counts } = await operator.emit('inbox:subscribe', {})
      operator.socket.on('inbox:changed', (change: { counts: InboxCounts }) => {
        counts = change.counts
      })
      return { id, counts: () => counts }
    }),
  )
  const random = createRandom(20)
  const lanes = times(LANES, () => [] as string[])
  const lateMs: number[] = []
  for (let burst = 0; burst < BURSTS; burst++) {
    await Promise.all(
      lanes.map((ids, lane) =>
        runLane(
          { store: stores[lane % 2 ? 0 : 1], accepted: EVENTS / BURSTS / LANES, random },
          ids,
        ),
      ),
    )
    const acknowledgedAt = performance.now()
    const [first] = stores
    for (const { id, counts } of consoles) {
      const expected = await countAll(first, id)
      const isRight = () => JSON.stringify(counts()) === JSON.stringify(expected)
      await waitUntil(isRight).catch(() => expect(counts()).toEqual(expected))
      lateMs.push(performance.now() - acknowledgedAt)
    }
  }
  expect(Math.max(...lateMs)).toBeLessThan(RIGHT_WITHIN_MS)
}

it('10,000 events leave each count right within 2 s, over SQLite', async () => {
  const { ports } = h.backend
  await expectRightCounts([ports, ports])
}, 120_000)

describeWithMongo('over two processes with MongoDB', () => {
  let lab: MongoLab
  beforeAll(async () => {
    lab = await openMongoLab()
  })
  afterAll(() => lab.close())

  it('10,000 events leave each count right within 2 s', async () => {
    await expectRightCounts([await lab.open(), await lab.open()])
  }, 240_000)
})
