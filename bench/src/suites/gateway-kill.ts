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
import { createToken } from '../token.ts'

const SOCKETS: Record<Profile, number> = { quick: 100, full: 3000 }
const AT_ONCE = 50
const BACK_TIMEOUT_MS = 90_000
/** As the product's own client waits before it tries again. */
const RETRY = { baseMs: 500, maxMs: 10_000 }

/** A gateway with many sockets ends without a word. */
export async function openGatewayKill(profile: Profile): Promise<Comparison> {
  const sockets = SOCKETS[profile]
  const backEnds = await startBackEnds()
  return {
    name: 'gateway-kill',
    title: `A gateway with ${sockets} sockets is killed`,
    load: `${sockets} users, each with a session open, on one of three gateways, which gets SIGKILL; they come back to the other two with the delays of the product's client, and open their session again.`,
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
      { name: 'cpu', unit: 'us' },
    ],
    targets: [
      {
        ...{ text: `${sockets} sockets of a killed gateway, all back, s`, metric: 'all back' },
        ...{ entrant: 'ours', kind: 'value', reach: 30 },
      },
    ],
    close: () => backEnds.stop(),
  }
}

interface Returning {
  survivors: ServiceProcess[]
  backEnds: BenchBackEnds
  lines: Line[]
  backMs: number[]
  tries: number
}

async function measureKill(backEnds: BenchBackEnds, sockets: number): Promise<Sample> {
  const start = (name: string) => startOurs('gateway', { env: backEnds.env, name })
  const [doomed, b, c] = await Promise.all([start('a'), start('b'), start('c')])
  const returning: Returning = { survivors: [b, c], backEnds, lines: [], backMs: [], tries: 0 }
  try {
    for (let first = 0; first < sockets; first += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, sockets - first) }, (_, index) =>
        join(doomed, backEnds, first + index),
      )
      returning.lines.push(...(await Promise.all(batch)))
    }
    const lost = returning.lines.splice(0)
    const stop = await startCpuMeter({ b: b.pid, c: c.pid, ...backEnds.pids })
    const killedAt = performance.now()
    await doomed.kill()
    lost.forEach((_, index) => void comeBack(returning, index, killedAt))
    await waitUntil(() => returning.backMs.length === sockets, BACK_TIMEOUT_MS)
    const { byPart, clientCores } = await stop()
    return toSample(returning, { sockets, clientCores, byPart })
  } finally {
    for (const line of returning.lines) line.close()
    await Promise.all([b, c].map((server) => server.kill()))
  }
}

function toSample(
  { backMs, tries }: Returning,
  used: { sockets: number; clientCores: number; byPart: Record<string, number> },
): Sample {
  const { sockets, clientCores, byPart } = used
  const total = Object.values(byPart).reduce((sum, us) => sum + us, 0)
  return {
    sent: sockets,
    delivered: backMs.length,
    lost: sockets - backMs.length,
    'back p50': percentile(backMs, 0.5) / 1000,
    'back p99': percentile(backMs, 0.99) / 1000,
    'all back': Math.max(...backMs) / 1000,
    tries: tries / sockets,
    cpu: total / sockets,
    'client cores': clientCores,
  }
}

async function comeBack(returning: Returning, index: number, killedAt: number): Promise<void> {
  const { survivors, backEnds, lines, backMs } = returning
  for (let failures = 1; ; failures += 1) {
    const ceilingMs = Math.min(RETRY.maxMs, RETRY.baseMs * 2 ** (failures - 1))
    await sleep(ceilingMs * (1 - Math.random() * 0.5))
    returning.tries += 1
    const server = survivors[(index + failures) % survivors.length]
    const line = server && (await join(server, backEnds, index).catch(() => undefined))
    if (!line) continue
    lines.push(line)
    backMs.push(performance.now() - killedAt)
    return
  }
}

async function join(server: ServiceProcess, backEnds: BenchBackEnds, index: number): Promise<Line> {
  const line = await Line.open({
    url: socketUrl(server, 'engine.io'),
    dialect: 'engine.io',
    token: createToken(`bench-kill-${index}`, backEnds.secret),
  })
  try {
    await line.request<{ session: Session }>('session:open', { afterSeq: 0 })
    return line
  } catch (error) {
    line.close()
    throw error
  }
}
