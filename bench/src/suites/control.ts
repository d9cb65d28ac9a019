import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import type { Comparison, Entrant, Profile, Sample } from '../compare/comparison.ts'
import { startContestant, startOurs } from '../contestants/start-contestant.ts'
import { Line, type Dialect } from '../load/line.ts'
import { pace, waitUntil } from '../load/pace.ts'
import { Tally } from '../load/tally.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { createToken } from '../token.ts'
import { socketUrl } from '../load/socket-url.ts'

interface Size {
  rooms: number
  perSecond: number
  /** Messages before those that count: a gateway runs for days, and its code is compiled by then. */
  warmUp: number
  messages: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { rooms: 2, perSecond: 200, warmUp: 20, messages: 60 },
  quick: { rooms: 10, perSecond: 300, warmUp: 300, messages: 900 },
  full: { rooms: 50, perSecond: 500, warmUp: 5000, messages: 5000 },
}
const ARRIVAL_MS = 3000
/** Receipts name the entries of a session in turn, so one that is lost or doubled or early shows. */
const ENTRIES = 8

/** What each contestant's pair of servers is, seen from the load client. */
interface Pair {
  servers: [ServiceProcess, ServiceProcess]
  dialect: Dialect
  /** It makes the sessions itself; the others take any name for one. */
  makesSessions: boolean
}

/** One event from a client of one gateway to a client of another, about which nothing is stored. */
export async function openControl(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await startBackEnds()
  const entrant = (name: string, what: string, start: () => Promise<Pair>): Entrant => ({
    name,
    what,
    measure: () => measurePair(backEnds, size, start),
  })
  const bare = () => startBare(backEnds, 'bare-socket-io-main.ts', 'engine.io')
  const ours = (without?: string) => () => startOurPair(backEnds, without)
  return {
    name: 'control',
    title: 'Control message across gateways',
    load: `A read receipt from a client of one gateway to a client of another, ${size.rooms} sessions, ${size.perSecond} a second in all, nothing stored.`,
    baseline: 'socket.io',
    nullEntrant: 'socket.io again',
    entrants: [
      entrant('socket.io', 'Bare Socket.IO with `@socket.io/redis-adapter`', bare),
      entrant('socket.io again', 'The same once more: the resolution', bare),
      entrant('plain ws', '`ws`, a map of rooms and a Redis channel a room', () =>
        startBare(backEnds, 'plain-ws-main.ts', 'plain'),
      ),
      entrant('ours', 'The product', ours()),
      entrant('ours -limits', 'Without rate limits', ours('limits')),
      entrant(
        'ours -limits -lookup',
        'Also with every read of a session answered from memory',
        ours('limits,lookup'),
      ),
    ],
    metrics: [
      { name: 'cpu', unit: 'us', compared: true },
      { name: 'cpu with store', unit: 'us', compared: true },
      { name: 'cpu gateways', unit: 'us' },
      { name: 'cpu redis', unit: 'us' },
      { name: 'latency p50', unit: 'ms' },
      { name: 'latency p99', unit: 'ms' },
    ],
    targets: [
      {
        text: 'CPU of gateways and Redis for a control message, ours over bare Socket.IO',
        metric: 'cpu',
        entrant: 'ours',
        over: 'socket.io',
        kind: 'ratio',
        reach: 1.3,
      },
    ],
    close: () => backEnds.stop(),
  }
}

async function startBare(backEnds: BenchBackEnds, file: string, dialect: Dialect): Promise<Pair> {
  const start = (name: string) => startContestant(file, { env: backEnds.env, name })
  return { servers: await Promise.all([start('a'), start('b')]), dialect, makesSessions: false }
}

async function startOurPair({ env }: BenchBackEnds, without?: string): Promise<Pair> {
  const settings = without === undefined ? env : { ...env, BENCH_WITHOUT: without }
  const start = (name: string) => startOurs('gateway', { env: settings, name })
  const servers = await Promise.all([start('a'), start('b')])
  return { servers, dialect: 'engine.io', makesSessions: true }
}

interface Room {
  sessionId: string
  sender: Line
  receiver: Line
  /** When the messages that are on their way were due, the oldest first. */
  due: number[]
  sent: number
  received: number
}

async function measurePair(
  backEnds: BenchBackEnds,
  size: Size,
  start: () => Promise<Pair>,
): Promise<Sample> {
  const pair = await start()
  const tally = new Tally()
  const rooms = await Promise.all(
    Array.from({ length: size.rooms }, (_, index) => openRoom({ backEnds, pair, tally }, index)),
  )
  try {
    await send(rooms, new Tally(), { ...size, messages: size.warmUp })
    await sleep(200)
    const [a, b] = pair.servers
    const stop = await startCpuMeter({ a: a.pid, b: b.pid, ...backEnds.pids })
    resetTally(tally)
    await send(rooms, tally, size)
    const { byPart, clientCores } = await stop()
    const per = (...parts: string[]): number =>
      parts.reduce((sum, part) => sum + (byPart[part] ?? 0), 0) / size.messages
    return {
      ...tally.toSample(),
      cpu: per('a', 'b', 'redis'),
      'cpu with store': per('a', 'b', 'redis', 'store'),
      'cpu gateways': per('a', 'b'),
      'cpu redis': per('redis'),
      'client cores': clientCores,
    }
  } finally {
    for (const { sender, receiver } of rooms) [sender, receiver].forEach((line) => line.close())
    await Promise.all(pair.servers.map((server) => server.stop()))
  }
}

function resetTally(tally: Tally): void {
  Object.assign(tally, { sent: 0, delivered: 0, duplicates: 0, misordered: 0 })
  tally.latenciesMs.length = 0
}

interface Place {
  backEnds: BenchBackEnds
  pair: Pair
  tally: Tally
}

async function openRoom({ backEnds, pair, tally }: Place, index: number): Promise<Room> {
  const [a, b] = pair.servers
  const token = createToken(`bench-${String(index).padStart(2, '0')}`, backEnds.secret)
  const common = { dialect: pair.dialect, token }
  const sender = await Line.open({ ...common, url: socketUrl(a, pair.dialect) })
  const name = `room-${index}`.padEnd(22, '-')
  const opening = pair.makesSessions ? {} : { sessionId: name }
  const opened = await sender.prepare<{ session?: { id: string; lastSeq: number } }>(
    'session:open',
    opening,
  )
  const sessionId = opened.session?.id ?? name
  if (opened.session?.lastSeq === 0) await fillSession(sender, sessionId)
  const room: Pick<Room, 'due' | 'received'> = { due: [], received: 0 }
  const receiver = await Line.open({
    ...common,
    url: socketUrl(b, pair.dialect),
    onEvent: (event, text) => {
      if (event === 'message:receipt') onReceipt(room, tally, text)
    },
  })
  await receiver.prepare('session:open', { sessionId })
  return Object.assign(room, { sessionId, sender, receiver, sent: 0 })
}

function onReceipt(room: Pick<Room, 'due' | 'received'>, tally: Tally, text: string): void {
  const arrivedAt = performance.now()
  const dueAt = room.due.shift()
  const isExpected = text.endsWith(`"seq":${(room.received % ENTRIES) + 1}}`)
  room.received += 1
  if (dueAt === undefined) {
    tally.duplicates += 1
    return
  }
  tally.delivered += 1
  if (!isExpected) tally.misordered += 1
  tally.latenciesMs.push(arrivedAt - dueAt)
}

/** A receipt names an entry that is there. */
async function fillSession(sender: Line, sessionId: string): Promise<void> {
  for (let entry = 0; entry < ENTRIES; entry += 1) {
    const message = { sessionId, clientMessageId: randomUUID(), content: 'An entry.' }
    await sender.prepare('message:send', message)
  }
}

async function send(
  rooms: readonly Room[],
  tally: Tally,
  { perSecond, messages }: Pick<Size, 'perSecond' | 'messages'>,
): Promise<void> {
  await pace(perSecond, messages, (index, dueAt) => {
    const room = rooms[index % rooms.length]
    if (!room) return
    const seq = (room.sent % ENTRIES) + 1
    room.sent += 1
    room.due.push(dueAt)
    tally.sent += 1
    room.sender.send('message:read', `{"sessionId":"${room.sessionId}","seq":${seq}}`)
  })
  await waitUntil(() => rooms.every(({ sent, received }) => received >= sent), ARRIVAL_MS)
}
