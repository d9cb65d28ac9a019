import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '../../../tests/environment/cluster.ts'
import type { ServiceProcess } from '../../../tests/environment/servers/processes.ts'
import type { Dialect, WireClient } from '../../../tests/environment/wire-client.ts'
import { signToken } from '../../../tests/environment/tokens.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { tallyPaced, type Rate, type Tally } from '../load/pace.ts'
import { openLine, openUser, prepare } from '../load/user.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openProbe, prepareProbe } from '../measure/heap.ts'
import { openBackEnds, startContestant, startOurs, type BenchBackEnds } from '../servers.ts'

/** A contestant that accepts connections, and how a user connects to it. */
interface Kind {
  name: string
  what: string
  start(env?: Settings): Promise<ServiceProcess>
  connect(server: ServiceProcess, user: string): Promise<WireClient>
}

interface Bare {
  file: string
  dialect: Dialect
}

/** Every contestant for connections, the baseline and its repetition first. */
function listKinds({ env }: BenchBackEnds): Kind[] {
  const bare = (name: string, what: string, { file, dialect }: Bare): Kind => ({
    ...{ name, what },
    start: (more = {}) => startContestant(file, { ...env, ...more }, name),
    async connect(server, user) {
      const line = await openLine(server, { dialect })
      await prepare(line, 'session:open', { sessionId: `room-of-${user}` })
      return line
    },
  })
  const ours = (name: string, what: string, connect: Kind['connect']): Kind => ({
    ...{ name, what, connect },
    start: (more = {}) => startOurs('gateway', { ...env, ...more }, name),
  })
  const io: Bare = { file: 'bare-socket-io-main.ts', dialect: 'engine.io' }
  const ws: Bare = { file: 'plain-ws-main.ts', dialect: 'plain' }
  return [
    bare('socket.io', 'Bare Socket.IO with `@socket.io/redis-adapter`; a user joins a room', io),
    bare('socket.io again', 'The same once more: the resolution', io),
    bare('plain ws', '`ws` and a map of rooms; a user joins a room', ws),
    ours('ours', 'The product: token, limits, presence', async (server, user) =>
      openLine(server, { token: await signToken({ sub: user }) }),
    ),
    ours(
      'ours + session',
      'With the session opened: subscription, log, draft',
      async (server, user) => (await openUser(server, user)).line,
    ),
  ]
}

interface ConnectSize extends Rate {
  warmUp: number
}

const CONNECT_SIZES: Record<Profile, ConnectSize> = {
  smoke: { perSecond: 50, warmUp: 5, count: 15 },
  quick: { perSecond: 30, warmUp: 30, count: 90 },
  full: { perSecond: 60, warmUp: 120, count: 420 },
}

/** Measures the cost of admitting a user. */
export async function openConnect(profile: Profile): Promise<Comparison> {
  const size = CONNECT_SIZES[profile]
  const backEnds = await openBackEnds()
  return {
    name: 'connect',
    title: 'Connect',
    load: `${size.perSecond} connections a second to one gateway, each of another user, from the first byte until the user may send. Gateway, Redis and store are counted.`,
    baseline: 'socket.io',
    nullEntrant: 'socket.io again',
    entrants: listKinds(backEnds).map((kind) => ({
      ...{ name: kind.name, what: kind.what },
      open: measuredAlone(() => measureConnects(backEnds, kind, size)),
    })),
    metrics: [
      { name: 'cpu', unit: 'us', compared: true },
      { name: 'cpu gateway', unit: 'us' },
      { name: 'cpu redis', unit: 'us' },
      { name: 'cpu store', unit: 'us' },
      { name: 'latency p50', unit: 'ms' },
      { name: 'latency p99', unit: 'ms' },
    ],
    targets: [],
    close: () => backEnds.stop(),
  }
}

async function measureConnects(
  backEnds: BenchBackEnds,
  kind: Kind,
  size: ConnectSize,
): Promise<Sample> {
  const server = await kind.start()
  const lines: WireClient[] = []
  const connect = (count: number): Promise<Tally> =>
    tallyPaced({ ...size, count }, async (index) => {
      lines.push(await kind.connect(server, `bench-connect-${index}`))
    })
  try {
    await connect(size.warmUp)
    for (const line of lines.splice(0)) line.close()
    const stop = await startCpuMeter({ gateway: server.pid, ...backEnds.pids })
    const tally = await connect(size.count)
    const { per, clientCores } = await stop()
    return {
      ...tally.toSample(),
      cpu: per(size.count),
      'cpu gateway': per(size.count, 'gateway'),
      'cpu redis': per(size.count, 'redis'),
      'cpu store': per(size.count, 'store'),
      'client cores': clientCores,
    }
  } finally {
    for (const line of lines) line.close()
    await server.kill()
  }
}

interface IdleSize {
  connections: number
  settleMs: number
  /**
   * In the full profile this is one period of pings and beacons. A shorter time would contain all
   * of them or none.
   */
  idleMs: number
}

const IDLE_SIZES: Record<Profile, IdleSize> = {
  smoke: { connections: 20, settleMs: 50, idleMs: 100 },
  quick: { connections: 300, settleMs: 1000, idleMs: 1000 },
  full: { connections: 5000, settleMs: 1000, idleMs: 25_000 },
}
const WARM_UP = 50
const AT_ONCE = 50

/** Measures the cost of an idle connection. */
export async function openIdle(profile: Profile): Promise<Comparison> {
  const size = IDLE_SIZES[profile]
  const backEnds = await openBackEnds()
  return {
    name: 'idle',
    title: `Idle memory at ${size.connections} connections`,
    load: `${size.connections} connections to one gateway, each of another user; memory after a forced collection, less that of the same process before them.`,
    baseline: 'socket.io',
    nullEntrant: 'socket.io again',
    entrants: listKinds(backEnds).map((kind) => ({
      ...{ name: kind.name, what: kind.what },
      open: measuredAlone(() => measureIdle(kind, size)),
    })),
    metrics: [
      { name: 'heap', unit: 'KB', compared: true },
      { name: 'resident', unit: 'KB', compared: true },
      { name: 'idle cpu', unit: 'us' },
    ],
    targets: [
      {
        ...{ text: 'Idle heap a connection, ours over stock Socket.IO', metric: 'heap' },
        ...{ entrant: 'ours', over: 'socket.io', kind: 'ratio', reach: 0.85 },
      },
    ],
    close: () => backEnds.stop(),
  }
}

async function measureIdle(kind: Kind, size: IdleSize): Promise<Sample> {
  const { connections, settleMs, idleMs } = size
  const { port, env } = prepareProbe()
  const server = await kind.start(env)
  const lines: WireClient[] = []
  try {
    const warm = await connectMany(kind, server, WARM_UP)
    for (const line of warm) line.close()
    const probe = await openProbe(server.pid, port)
    await sleep(settleMs)
    const before = await probe.read()
    lines.push(...(await connectMany(kind, server, connections)))
    await sleep(settleMs)
    const after = await probe.read()
    const stop = await startCpuMeter({ gateway: server.pid })
    await sleep(idleMs)
    const { per } = await stop()
    probe.close()
    const delivered = lines.filter((line) => line.isOpen).length
    return {
      ...{ sent: connections, delivered, lost: connections - delivered },
      heap: (after.heapKb - before.heapKb) / connections,
      resident: (after.residentKb - before.residentKb) / connections,
      'idle cpu': per((idleMs / 1000) * connections),
    }
  } finally {
    for (const line of lines) line.close()
    // It would close thousands of sockets one by one, and nothing of that is measured.
    await server.kill()
  }
}

async function connectMany(
  kind: Kind,
  server: ServiceProcess,
  count: number,
): Promise<WireClient[]> {
  const lines: WireClient[] = []
  while (lines.length < count) {
    const batch = Math.min(AT_ONCE, count - lines.length)
    const first = lines.length
    const users = Array.from({ length: batch }, (_, index) => `bench-idle-${first + index}`)
    lines.push(...(await Promise.all(users.map((user) => kind.connect(server, user)))))
  }
  return lines
}
