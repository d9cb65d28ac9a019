import { setTimeout as sleep } from 'node:timers/promises'
import { startBackEnds } from '../bench-cluster.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import type { Line } from '../load/line.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openProbe, prepareProbe } from '../measure/heap.ts'
import { listKinds, type Kind } from './users.ts'

interface Size {
  connections: number
  settleMs: number
  /** In the full profile one period of pings and beacons: a shorter time meets all of them or none. */
  idleMs: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { connections: 20, settleMs: 50, idleMs: 100 },
  quick: { connections: 300, settleMs: 1000, idleMs: 1000 },
  full: { connections: 5000, settleMs: 1000, idleMs: 25_000 },
}
const WARM_UP = 50
const AT_ONCE = 50

/** What a connection that says nothing holds. */
export async function openIdle(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await startBackEnds()
  return {
    name: 'idle',
    title: `Idle memory at ${size.connections} connections`,
    load: `${size.connections} connections to one gateway, each of another user; memory after a forced collection, less that of the same process before them.`,
    baseline: 'socket.io',
    nullEntrant: 'socket.io again',
    entrants: listKinds(backEnds).map((kind) => ({
      name: kind.name,
      what: kind.what,
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

async function measureIdle(kind: Kind, { connections, settleMs, idleMs }: Size): Promise<Sample> {
  const { port, env } = prepareProbe()
  const server = await kind.start(env)
  const lines: Line[] = []
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
    const { byPart } = await stop()
    probe.close()
    return {
      sent: connections,
      delivered: lines.filter((line) => line.isOpen).length,
      lost: lines.filter((line) => !line.isOpen).length,
      heap: (after.heapKb - before.heapKb) / connections,
      resident: (after.residentKb - before.residentKb) / connections,
      'idle cpu': (byPart.gateway ?? 0) / (idleMs / 1000) / connections,
    }
  } finally {
    for (const line of lines) line.close()
    // It would say goodbye to thousands; nothing of that is measured.
    await server.kill()
  }
}

async function connectMany(
  kind: Kind,
  server: Parameters<Kind['connect']>[0],
  count: number,
): Promise<Line[]> {
  const lines: Line[] = []
  while (lines.length < count) {
    const batch = Math.min(AT_ONCE, count - lines.length)
    const first = lines.length
    const users = Array.from({ length: batch }, (_, index) => `bench-idle-${first + index}`)
    lines.push(...(await Promise.all(users.map((user) => kind.connect(server, user)))))
  }
  return lines
}
