import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import type { Line } from '../load/line.ts'
import { pace, waitUntil } from '../load/pace.ts'
import { Tally } from '../load/tally.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { listKinds, type Kind } from './users.ts'

interface Size {
  perSecond: number
  warmUp: number
  connects: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { perSecond: 50, warmUp: 5, connects: 15 },
  quick: { perSecond: 30, warmUp: 30, connects: 90 },
  full: { perSecond: 60, warmUp: 120, connects: 420 },
}
const ARRIVAL_MS = 10_000

/** What letting somebody in costs. */
export async function openConnect(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await startBackEnds()
  return {
    name: 'connect',
    title: 'Connect',
    load: `${size.perSecond} connections a second to one gateway, each of another user, from the first byte until the user may send. Gateway, Redis and store are counted.`,
    baseline: 'socket.io',
    nullEntrant: 'socket.io again',
    entrants: listKinds(backEnds).map((kind) => ({
      name: kind.name,
      what: kind.what,
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

async function measureConnects(backEnds: BenchBackEnds, kind: Kind, size: Size): Promise<Sample> {
  const server = await kind.start()
  const lines: Line[] = []
  const connect = (count: number): Promise<Tally> => {
    const open = (index: number) => kind.connect(server, `bench-connect-${index}`)
    return connectAll({ ...size, connects: count }, open, lines)
  }
  try {
    await connect(size.warmUp)
    for (const line of lines.splice(0)) line.close()
    const stop = await startCpuMeter({ gateway: server.pid, ...backEnds.pids })
    const tally = await connect(size.connects)
    const { byPart, clientCores } = await stop()
    const per = (...parts: string[]): number =>
      parts.reduce((sum, part) => sum + (byPart[part] ?? 0), 0) / size.connects
    return {
      ...tally.toSample(),
      cpu: per('gateway', 'redis', 'store'),
      'cpu gateway': per('gateway'),
      'cpu redis': per('redis'),
      'cpu store': per('store'),
      'client cores': clientCores,
    }
  } finally {
    for (const line of lines) line.close()
    await server.kill()
  }
}

async function connectAll(
  { perSecond, connects }: Pick<Size, 'perSecond' | 'connects'>,
  open: (index: number) => Promise<Line>,
  lines: Line[],
): Promise<Tally> {
  const tally = new Tally()
  let settled = 0
  await pace(perSecond, connects, (index, dueAt) => {
    tally.sent += 1
    open(index)
      .then((line) => {
        lines.push(line)
        tally.delivered += 1
        tally.latenciesMs.push(performance.now() - dueAt)
      })
      .catch(() => undefined)
      .finally(() => {
        settled += 1
      })
  })
  await waitUntil(() => settled === connects, ARRIVAL_MS)
  return tally
}
