import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '@chatbox/contract'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import type { Comparison, Profile, Sample } from '../compare/comparison.ts'
import { startOurs } from '../contestants/start-contestant.ts'
import { percentile } from '../figures.ts'
import { Line } from '../load/line.ts'
import { waitUntil } from '../load/pace.ts'
import { socketUrl } from '../load/socket-url.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openReadCounter } from '../measure/store-reads.ts'
import { createToken } from '../token.ts'
import { seed } from './open-cost.ts'

const SOCKETS: Record<Profile, number> = { smoke: 20, quick: 100, full: 3000 }
const AT_ONCE = 50
const BACK_TIMEOUT_MS = 90_000
/** As the product's own client waits before it tries again. */
const RETRY = { baseMs: 500, maxMs: 10_000 }

/** A gateway with many sockets ends without a word. */
export async function openGatewayKill(profile: Profile): Promise<Comparison> {
  const sockets = SOCKETS[profile]
  const backEnds = await startBackEnds()
  await seed(backEnds.env, { SEED_SESSIONS: String(sockets) })
  return {
    name: 'gateway-kill',
    title: `A gateway with ${sockets} sockets is killed`,
    load: `${sockets} users, each with a session of one message open, on one of three gateways, which gets SIGKILL; they come back to the other two with the delays of the product's client, and catch up with their session.`,
    baseline: 'ours',
    entrants: [
      {
        name: 'ours',
        what: 'The product',
        measure: () => measureKill(backEnds, sockets),
      },
    ],
    metrics: [
      { name: 'back p50', unit: 's' },
      { name: 'back p99', unit: 's' },
      { name: 'all back', unit: 's' },
      { name: 'tries', unit: 'x' },
      { name: 'store reads', unit: 'x' },
      { name: 'cpu', unit: 'us' },
    ],
    targets: [
      {
        ...{ text: `${sockets} sockets of a killed gateway, all back, s`, metric: 'all back' },
        ...{ entrant: 'ours', kind: 'value', reach: 30 },
      },
      {
        ...{ text: `Store reads for each of ${sockets} sockets that come back` },
        ...{ metric: 'store reads', entrant: 'ours', kind: 'value', reach: 1.2 },
      },
    ],
    close: () => backEnds.stop(),
  }
}

/** What a page knows of its session: where it comes back to. */
type Known = Pick<Session, 'id' | 'lastSeq'>

interface Opened {
  line: Line
  session: Known
}

interface Returning {
  survivors: ServiceProcess[]
  backEnds: BenchBackEnds
  known: Known[]
  lines: Line[]
  backMs: number[]
  tries: number
}

async function measureKill(backEnds: BenchBackEnds, sockets: number): Promise<Sample> {
  const reads = await openReadCounter(backEnds.env.MONGO_URI ?? '')
  const start = (name: string, env: Record<string, string> = {}) =>
    startOurs('gateway', { env: { ...backEnds.env, ...env }, name })
  const counted = { MONGO_URI: reads.uri }
  const [doomed, b, c] = await Promise.all([start('a'), start('b', counted), start('c', counted)])
  const found = { known: [], lines: [], backMs: [], tries: 0 }
  const returning: Returning = { survivors: [b, c], backEnds, ...found }
  try {
    for (let first = 0; first < sockets; first += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, sockets - first) }, (_, index) =>
        join(doomed, backEnds, { index: first + index }),
      )
      for (const { line, session } of await Promise.all(batch)) {
        returning.lines.push(line)
        returning.known.push(session)
      }
    }
    const lost = returning.lines.splice(0)
    const stop = await startCpuMeter({ b: b.pid, c: c.pid, ...backEnds.pids })
    const readsBefore = reads.count()
    const killedAt = performance.now()
    await doomed.kill()
    lost.forEach((_, index) => void comeBack(returning, index, killedAt))
    await waitUntil(() => returning.backMs.length === sockets, BACK_TIMEOUT_MS)
    const storeReads = reads.count() - readsBefore
    const { byPart, clientCores } = await stop()
    return toSample(returning, { sockets, clientCores, byPart, storeReads })
  } finally {
    for (const line of returning.lines) line.close()
    await Promise.all([doomed, b, c].map((server) => server.kill()))
    reads.close()
  }
}

function toSample(
  { backMs, tries }: Returning,
  used: {
    sockets: number
    clientCores: number
    byPart: Record<string, number>
    storeReads: number
  },
): Sample {
  const { sockets, clientCores, byPart, storeReads } = used
  const total = Object.values(byPart).reduce((sum, us) => sum + us, 0)
  return {
    sent: sockets,
    delivered: backMs.length,
    lost: sockets - backMs.length,
    'back p50': percentile(backMs, 0.5) / 1000,
    'back p99': percentile(backMs, 0.99) / 1000,
    'all back': Math.max(...backMs) / 1000,
    tries: tries / sockets,
    'store reads': storeReads / sockets,
    cpu: total / sockets,
    'client cores': clientCores,
  }
}

async function comeBack(returning: Returning, index: number, killedAt: number): Promise<void> {
  const { survivors, backEnds, known, lines, backMs } = returning
  for (let failures = 1; ; failures += 1) {
    const ceilingMs = Math.min(RETRY.maxMs, RETRY.baseMs * 2 ** (failures - 1))
    await sleep(ceilingMs * (1 - Math.random() * 0.5))
    returning.tries += 1
    const server = survivors[(index + failures) % survivors.length]
    const user = { index, session: known[index] }
    const opened = server && (await join(server, backEnds, user).catch(() => undefined))
    if (!opened) continue
    lines.push(opened.line)
    backMs.push(performance.now() - killedAt)
    return
  }
}

async function join(
  server: ServiceProcess,
  backEnds: BenchBackEnds,
  { index, session }: { index: number; session?: Known | undefined },
): Promise<Opened> {
  const line = await Line.open({
    url: socketUrl(server, 'engine.io'),
    dialect: 'engine.io',
    token: createToken(`seeded-${index}`, backEnds.secret),
  })
  try {
    // As a page does: at first whatever is there, later what came after what it has.
    const range = session ? { sessionId: session.id, afterSeq: session.lastSeq } : {}
    return {
      line,
      session: (await line.prepare<{ session: Session }>('session:open', range)).session,
    }
  } catch (error) {
    line.close()
    throw error
  }
}
