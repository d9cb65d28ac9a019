import { randomUUID } from 'node:crypto'
import type { Message, ServerPayload } from '@chatbox/contract'
import { signToken } from '../../../tests/environment/tokens.ts'
import type { WireClient } from '../../../tests/environment/wire-client.ts'
import {
  measuredAlone,
  type Comparison,
  type Entrant,
  type Profile,
  type Sample,
} from '../compare/comparison.ts'
import { pace, Tally, waitUntil, type Rate } from '../load/pace.ts'
import { openLine, openUser, prepare, type User } from '../load/user.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openBackEnds, seed, startOurs, startStore, type BenchBackEnds } from '../servers.ts'

interface Size extends Rate {
  few: number
  many: number
  /** Who write, each in a session of their own. */
  users: number
  consoles: number
  warmUp: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { few: 20, many: 40, users: 20, consoles: 4, perSecond: 20, warmUp: 10, count: 40 },
  quick: {
    ...{ few: 1000, many: 10_000, users: 1000, consoles: 50 },
    ...{ perSecond: 200, warmUp: 400, count: 2000 },
  },
  full: {
    ...{ few: 1000, many: 10_000, users: 1000, consoles: 50 },
    ...{ perSecond: 200, warmUp: 1000, count: 6000 },
  },
}
const CONNECTS_AT_ONCE = 20
const SETTLE_MS = 10_000

/** Measures how soon consoles are right after a change, and what a change costs. */
export async function openInbox(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const { few, many, users, consoles, perSecond } = size
  const store = await startStore()
  const opened = await Promise.all([openBackEnds(store), openBackEnds(store), openBackEnds(store)])
  const [small, again, large] = opened
  const entrant = async (
    name: string,
    backEnds: BenchBackEnds,
    count: number,
  ): Promise<Entrant> => {
    await seed(backEnds.env, { SEED_SESSIONS: String(count) })
    return {
      ...{ name, what: `${count} active sessions` },
      open: measuredAlone(() => measureConsoles(backEnds, size)),
    }
  }
  return {
    name: 'inbox',
    title: `Consoles with ${many} active sessions against ${few}, over ${store.mongo.kind}`,
    load: `${consoles} consoles on two gateways follow the inbox; ${users} users of these gateways write ${perSecond} messages a second in all. The latency is from the acknowledgement of a message until one console has its row.`,
    baseline: `${few} sessions`,
    nullEntrant: `${few} sessions again`,
    entrants: [
      await entrant(`${few} sessions`, small, few),
      await entrant(`${few} sessions again`, again, few),
      await entrant(`${many} sessions`, large, many),
    ],
    metrics: [
      { name: 'cpu gateway', unit: 'us', compared: true },
      { name: 'cpu store', unit: 'us' },
      { name: 'latency p50', unit: 'ms', compared: true },
      { name: 'latency p99', unit: 'ms' },
      { name: 'slowest', unit: 'ms' },
    ],
    targets: [
      {
        text: `From a change's acknowledgement until a console is right, ${many} sessions, p99, ms`,
        ...{ metric: 'latency p99', entrant: `${many} sessions`, kind: 'value', reach: 1000 },
      },
      {
        text: `CPU of the gateways for a change with ${many} sessions over ${few}`,
        ...{ metric: 'cpu gateway', kind: 'ratio', reach: 1.2 },
        ...{ entrant: `${many} sessions`, over: `${few} sessions` },
      },
    ],
    async close() {
      await Promise.all(opened.map((backEnds) => backEnds.stop()))
      await store.mongo.stop()
    },
  }
}

async function measureConsoles(backEnds: BenchBackEnds, size: Size): Promise<Sample> {
  const gateways = [
    await startOurs('gateway', backEnds.env, 'gateway-1'),
    await startOurs('gateway', backEnds.env, 'gateway-2'),
  ] as const
  const pids = { one: gateways[0].pid, two: gateways[1].pid, store: backEnds.pids.store }
  const lines: WireClient[] = []
  try {
    const users = await inGroups(size.users, (index) =>
      openUser(gateways[index % 2 ? 1 : 0], `seeded-${index}`),
    )
    lines.push(...users.map(({ line }) => line))
    const consoles = await inGroups(size.consoles, (index) =>
      openConsole(gateways[index % 2 ? 1 : 0], `operator-${index}`),
    )
    lines.push(...consoles.map(({ line }) => line))
    await change(users, consoles, { ...size, count: size.warmUp })
    const stop = await startCpuMeter(pids)
    const tally = await change(users, consoles, size)
    const { per, clientCores } = await stop()
    return {
      ...tally.toSample(),
      slowest: tally.latenciesMs.reduce((most, ms) => Math.max(most, ms), 0),
      'cpu gateway': per(size.count, 'one', 'two'),
      'cpu store': pids.store === undefined ? Number.NaN : per(size.count, 'store'),
      'client cores': clientCores,
    }
  } finally {
    for (const line of lines) line.close()
    await Promise.all(gateways.map((gateway) => gateway.stop()))
  }
}

async function inGroups<T>(count: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  while (all.length < count) {
    const group = Math.min(CONNECTS_AT_ONCE, count - all.length)
    const indexes = Array.from({ length: group }, (_, index) => all.length + index)
    all.push(...(await Promise.all(indexes.map(open))))
  }
  return all
}

interface Console {
  line: WireClient
  /** Calls `onRight` as soon as the console has a row of the session with this seq or a later one. */
  expect(sessionId: string, seq: number, onRight: () => void): void
}

async function openConsole(gateway: { port: number }, name: string): Promise<Console> {
  const seqs = new Map<string, number>()
  const waiting = new Map<string, { seq: number; onRight: () => void }[]>()
  const line = await openLine(gateway, {
    token: await signToken({ sub: name, roles: ['chat_admin'] }),
    onEvent(event, text) {
      if (event !== 'inbox:changed') return
      const { rows } = JSON.parse(text) as ServerPayload<'inbox:changed'>
      for (const { session } of rows) {
        seqs.set(session.id, session.lastSeq)
        const left = waiting.get(session.id)?.filter(({ seq, onRight }) => {
          if (seq > session.lastSeq) return true
          onRight()
          return false
        })
        if (left && left.length > 0) waiting.set(session.id, left)
        else waiting.delete(session.id)
      }
    },
  })
  await prepare(line, 'inbox:subscribe', {})
  return {
    line,
    expect(sessionId, seq, onRight) {
      if ((seqs.get(sessionId) ?? 0) >= seq) onRight()
      else waiting.set(sessionId, [...(waiting.get(sessionId) ?? []), { seq, onRight }])
    },
  }
}

/** What is sent is each change to each console. */
async function change(
  users: readonly User[],
  consoles: readonly Console[],
  rate: Rate,
): Promise<Tally> {
  const tally = new Tally()
  tally.sent = rate.count * consoles.length
  await pace(rate, (index) => {
    const user = users[index % users.length]
    if (!user) return
    void send(user).then(({ sessionId, seq }) => {
      const acknowledgedAt = performance.now()
      for (const one of consoles) {
        one.expect(sessionId, seq, () => {
          tally.delivered += 1
          tally.latenciesMs.push(performance.now() - acknowledgedAt)
        })
      }
    })
  })
  await waitUntil(() => tally.delivered === tally.sent, SETTLE_MS)
  return tally
}

async function send({ line, session }: User): Promise<Message> {
  const payload = { sessionId: session.id, clientMessageId: randomUUID(), content: 'Hi' }
  return (await prepare<{ message: Message }>(line, 'message:send', payload)).message
}
