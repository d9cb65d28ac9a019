import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startStore, type BenchBackEnds, type BenchStore } from '../bench-cluster.ts'
import type {
  Entrant,
  OpenComparison,
  OpenEntrant,
  Profile,
  Sample,
} from '../compare/comparison.ts'
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
  /** Of each slice. */
  messages: number
  slices: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { rooms: 2, perSecond: 200, warmUp: 20, messages: 30, slices: 2 },
  quick: { rooms: 10, perSecond: 300, warmUp: 300, messages: 450, slices: 2 },
  full: { rooms: 50, perSecond: 500, warmUp: 30_000, messages: 1000, slices: 10 },
}
const ARRIVAL_MS = 3000
const REST_MS = 200
/** The warm-up is sent so many times as fast as what counts. */
const HASTE = 4
/** Of the warm-up, so many have to arrive before it goes on: a slow server would refuse the rest. */
const WARM_UP_PART = 500
/** Receipts name the entries of a session in turn, so one that is lost or doubled or early shows. */
const ENTRIES = 8

/** What each contestant's pair of servers is, seen from the load client. */
interface Pair {
  servers: [ServiceProcess, ServiceProcess]
  dialect: Dialect
  /** It makes the sessions itself; the others take any name for one. */
  makesSessions: boolean
}

type Start = (backEnds: BenchBackEnds) => Promise<Pair>

/** One event from a client of one gateway to a client of another, about which nothing is stored. */
export const openControl: OpenComparison = async (profile, env) => {
  const size = SIZES[profile]
  const store = await startStore(env)
  const entrant = (name: string, what: string, start: Start): Entrant => ({
    name,
    what,
    open: () => openPair(store, size, start),
  })
  const bare: Start = (apart) => startBare(apart, 'bare-socket-io-main.ts', 'engine.io')
  const ours =
    (without?: string): Start =>
    (apart) =>
      startOurPair(apart, without)
  return {
    name: 'control',
    title: 'Control message across gateways',
    load: `A read receipt from a client of one gateway to a client of another, ${size.rooms} sessions, ${size.perSecond} a second in all, nothing stored.`,
    baseline: 'socket.io',
    slices: size.slices,
    nullEntrant: 'socket.io again',
    entrants: [
      entrant('socket.io', 'Bare Socket.IO with `@socket.io/redis-adapter`', bare),
      entrant('socket.io again', 'The same once more: the resolution', bare),
      entrant('plain ws', '`ws`, a map of rooms and a Redis channel a room', (apart) =>
        startBare(apart, 'plain-ws-main.ts', 'plain'),
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
    close: () => store.stop(),
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
  /** What is being sent now is counted there. */
  tally: Tally
  /** When the messages that are on their way were due, the oldest first. */
  due: number[]
  sent: number
  received: number
}

async function openPair(store: BenchStore, size: Size, start: Start): Promise<OpenEntrant> {
  const backEnds = await store.openBackEnds()
  const pair = await start(backEnds)
  const rooms = await Promise.all(
    Array.from({ length: size.rooms }, (_, index) => openRoom({ backEnds, pair }, index)),
  )
  await warmUp(rooms, size)
  return {
    measure: () => measureSlice({ backEnds, pair, rooms }, size),
    async close() {
      for (const { sender, receiver } of rooms) [sender, receiver].forEach((line) => line.close())
      await Promise.all(pair.servers.map((server) => server.stop()))
      await backEnds.stop()
    },
  }
}

/** A receipt that is missing from here on would put every later one in another's place. */
async function warmUp(rooms: readonly Room[], size: Size): Promise<void> {
  const part = { perSecond: size.perSecond * HASTE, messages: WARM_UP_PART }
  for (let sent = 0; sent < size.warmUp; sent += part.messages) {
    const tally = new Tally()
    const messages = Math.min(part.messages, size.warmUp - sent)
    await send(rooms, tally, { ...part, messages })
    if (tally.delivered < tally.sent) throw new Error('the warm-up lost a message')
  }
}

async function measureSlice({ backEnds, pair, rooms }: Filled, size: Size): Promise<Sample> {
  const [a, b] = pair.servers
  await sleep(REST_MS)
  const stop = await startCpuMeter({ a: a.pid, b: b.pid, ...backEnds.pids })
  const tally = new Tally()
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
}

interface Place {
  backEnds: BenchBackEnds
  pair: Pair
}

interface Filled extends Place {
  rooms: Room[]
}

async function openRoom({ backEnds, pair }: Place, index: number): Promise<Room> {
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
  const room: Receiving = { tally: new Tally(), due: [], received: 0 }
  const receiver = await Line.open({
    ...common,
    url: socketUrl(b, pair.dialect),
    onEvent: (event, text) => {
      if (event === 'message:receipt') onReceipt(room, text)
    },
  })
  await receiver.prepare('session:open', { sessionId })
  return Object.assign(room, { sessionId, sender, receiver, sent: 0 })
}

type Receiving = Pick<Room, 'tally' | 'due' | 'received'>

function onReceipt(room: Receiving, text: string): void {
  const arrivedAt = performance.now()
  const { tally } = room
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
  for (const room of rooms) room.tally = tally
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
