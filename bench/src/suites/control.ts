import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '../../../tests/environment/servers/processes.ts'
import { signToken } from '../../../tests/environment/tokens.ts'
import type { Dialect, WireClient } from '../../../tests/environment/wire-client.ts'
import type {
  Entrant,
  OpenComparison,
  OpenEntrant,
  Profile,
  Sample,
} from '../compare/comparison.ts'
import { pace, Tally, waitUntil, type Rate } from '../load/pace.ts'
import { openLine, prepare } from '../load/user.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import {
  openBackEnds,
  startContestant,
  startOurs,
  startStore,
  type BenchBackEnds,
  type BenchStore,
} from '../servers.ts'

interface Size extends Rate {
  rooms: number
  /** Messages of the warm-up: a gateway runs for days, so its code is compiled. */
  warmUp: number
  /** `count` applies to each. */
  slices: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { rooms: 2, perSecond: 200, warmUp: 20, count: 30, slices: 2 },
  quick: { rooms: 10, perSecond: 300, warmUp: 300, count: 450, slices: 2 },
  full: { rooms: 50, perSecond: 500, warmUp: 30_000, count: 1000, slices: 10 },
}
const ARRIVAL_MS = 3000
const REST_MS = 200
/** How many times faster the warm-up is sent. */
const HASTE = 4
/**
 * How many messages of the warm-up must arrive before it continues. A slow server would refuse the
 * rest.
 */
const WARM_UP_PART = 500
/** Receipts name the entries of a session in turn, which reveals a lost, repeated or early one. */
const ENTRIES = 8

/** A contestant's pair of servers as the load client sees it. */
interface Pair {
  servers: [ServiceProcess, ServiceProcess]
  dialect: Dialect
  /** Whether it creates the sessions itself. The others accept any name. */
  makesSessions: boolean
}

type Start = (backEnds: BenchBackEnds) => Promise<Pair>

/** Measures an event from a client of one gateway to a client of another. Nothing is stored. */
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
    close: () => store.mongo.stop(),
  }
}

async function startBare({ env }: BenchBackEnds, file: string, dialect: Dialect): Promise<Pair> {
  const start = (name: string) => startContestant(file, env, name)
  return { servers: await Promise.all([start('a'), start('b')]), dialect, makesSessions: false }
}

async function startOurPair({ env }: BenchBackEnds, without?: string): Promise<Pair> {
  const settings = without === undefined ? env : { ...env, BENCH_WITHOUT: without }
  const start = (name: string) => startOurs('gateway', settings, name)
  const servers = await Promise.all([start('a'), start('b')])
  return { servers, dialect: 'engine.io', makesSessions: true }
}

interface Room {
  sessionId: string
  sender: WireClient
  receiver: WireClient
  /** The counts of the current load. */
  tally: Tally
  /** When the messages in transit were due, oldest first. */
  due: number[]
  sent: number
  received: number
}

async function openPair(store: BenchStore, size: Size, start: Start): Promise<OpenEntrant> {
  const backEnds = await openBackEnds(store)
  const pair = await start(backEnds)
  const [a, b] = pair.servers
  const rooms = await Promise.all(
    Array.from({ length: size.rooms }, (_, index) => openRoom(pair, index)),
  )
  await warmUp(rooms, size)
  return {
    async measure(): Promise<Sample> {
      await sleep(REST_MS)
      const stop = await startCpuMeter({ a: a.pid, b: b.pid, ...backEnds.pids })
      const tally = await send(rooms, size)
      const { per, clientCores } = await stop()
      return {
        ...tally.toSample(),
        cpu: per(size.count, 'a', 'b', 'redis'),
        'cpu with store': per(size.count),
        'cpu gateways': per(size.count, 'a', 'b'),
        'cpu redis': per(size.count, 'redis'),
        'client cores': clientCores,
      }
    },
    async close() {
      for (const { sender, receiver } of rooms) [sender, receiver].forEach((line) => line.close())
      await Promise.all(pair.servers.map((server) => server.stop()))
      await backEnds.stop()
    },
  }
}

/** Drops a missing receipt, which would shift every later one. */
async function warmUp(rooms: readonly Room[], size: Size): Promise<void> {
  const perSecond = size.perSecond * HASTE
  for (let sent = 0; sent < size.warmUp; sent += WARM_UP_PART) {
    const count = Math.min(WARM_UP_PART, size.warmUp - sent)
    const tally = await send(rooms, { perSecond, count })
    if (tally.delivered < tally.sent) throw new Error('the warm-up lost a message')
  }
}

async function openRoom(
  { servers: [a, b], dialect, makesSessions }: Pair,
  index: number,
): Promise<Room> {
  const token = await signToken({ sub: `bench-${String(index).padStart(2, '0')}` })
  const sender = await openLine(a, { dialect, token })
  const name = `room-${index}`.padEnd(22, '-')
  const { session } = await prepare<{ session?: { id: string; lastSeq: number } }>(
    sender,
    'session:open',
    makesSessions ? {} : { sessionId: name },
  )
  const sessionId = session?.id ?? name
  if (session?.lastSeq === 0) await fillSession(sender, sessionId)
  const room: Receiving = { tally: new Tally(), due: [], received: 0 }
  const receiver = await openLine(b, {
    ...{ dialect, token },
    onEvent: (event, text) => {
      if (event === 'message:receipt') onReceipt(room, text)
    },
  })
  await prepare(receiver, 'session:open', { sessionId })
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

/** A receipt must name an existing entry. */
async function fillSession(sender: WireClient, sessionId: string): Promise<void> {
  for (let entry = 0; entry < ENTRIES; entry += 1) {
    const message = { sessionId, clientMessageId: randomUUID(), content: 'An entry.' }
    await prepare(sender, 'message:send', message)
  }
}

async function send(rooms: readonly Room[], rate: Rate): Promise<Tally> {
  const tally = new Tally()
  for (const room of rooms) room.tally = tally
  await pace(rate, (index, dueAt) => {
    const room = rooms[index % rooms.length]
    if (!room) return
    const seq = (room.sent % ENTRIES) + 1
    room.sent += 1
    room.due.push(dueAt)
    tally.sent += 1
    room.sender.send('message:read', `{"sessionId":"${room.sessionId}","seq":${seq}}`)
  })
  await waitUntil(() => rooms.every(({ sent, received }) => received >= sent), ARRIVAL_MS)
  return tally
}
