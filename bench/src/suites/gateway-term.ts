import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { startOurs } from '../contestants/start-contestant.ts'
import { percentile } from '../figures.ts'
import { waitUntil } from '../load/pace.ts'
import { ReturningUsers } from '../load/returning-users.ts'
import { seed } from './open-cost.ts'

const SOCKETS: Record<Profile, number> = { smoke: 20, quick: 600, full: 1000 }
const BACK_TIMEOUT_MS = 60_000
const SECOND_MS = 1000

/** A gateway with many sockets is told to go, as in every roll-out. */
export async function openGatewayTerm(profile: Profile): Promise<Comparison> {
  const sockets = SOCKETS[profile]
  const backEnds = await startBackEnds()
  await seed(backEnds.env, { SEED_SESSIONS: String(sockets) })
  return {
    name: 'gateway-term',
    title: `A gateway with ${sockets} sockets is told to stop`,
    load: `${sockets} users, each with a session open, on one of two gateways, which gets SIGTERM; each comes back to the other one with the delays of the product's client once its socket was closed.`,
    baseline: 'ours',
    entrants: [
      { name: 'ours', what: 'The product', open: measuredAlone(() => measure(backEnds, sockets)) },
    ],
    metrics: [
      { name: 'spread', unit: 's' },
      { name: 'most a second', unit: 'x' },
      { name: 'away p50', unit: 's' },
      { name: 'away p99', unit: 's' },
      { name: 'exit', unit: 's' },
    ],
    targets: [
      {
        // Spread over 10 s or more.
        text: `Of ${sockets} sockets of a gateway on SIGTERM, the share that goes within one second`,
        ...{ metric: 'most a second', entrant: 'ours', kind: 'value', reach: 0.1 },
      },
      {
        ...{ text: 'SIGTERM to the end of that gateway with code 0, s', metric: 'exit' },
        ...{ entrant: 'ours', kind: 'value', reach: 25 },
      },
    ],
    close: () => backEnds.stop(),
  }
}

async function measure(backEnds: BenchBackEnds, sockets: number): Promise<Sample> {
  const start = (name: string) => startOurs('gateway', { env: backEnds.env, name })
  const [leaving, other] = await Promise.all([start('a'), start('b')])
  const users = new ReturningUsers(backEnds.secret)
  const closedAt: number[] = []
  const awayMs: number[] = []
  try {
    await users.open(sockets, leaving, (index) => {
      const at = performance.now()
      closedAt.push(at)
      void users.comeBack(index, [other]).then(() => awayMs.push(performance.now() - at))
    })
    const exitMs = await terminate(leaving)
    await waitUntil(() => awayMs.length === sockets, BACK_TIMEOUT_MS)
    return {
      sent: sockets,
      delivered: awayMs.length,
      lost: sockets - awayMs.length,
      spread: (Math.max(...closedAt) - Math.min(...closedAt)) / 1000,
      'most a second': countMostWithin(SECOND_MS, closedAt) / sockets,
      'away p50': percentile(awayMs, 0.5) / 1000,
      'away p99': percentile(awayMs, 0.99) / 1000,
      exit: exitMs / 1000,
    }
  } finally {
    users.close()
    await Promise.all([leaving, other].map((server) => server.kill()))
  }
}

async function terminate(server: ServiceProcess): Promise<number> {
  const startedAt = performance.now()
  const { code, signal } = await server.stop()
  if (code !== 0) throw new Error(`the gateway ended with ${code ?? signal}`)
  return performance.now() - startedAt
}

/** The most of these moments, which are in order, that lie within one span of this length. */
function countMostWithin(spanMs: number, moments: readonly number[]): number {
  let first = 0
  let most = 0
  for (const [index, moment] of moments.entries()) {
    while (moment - (moments[first] ?? moment) >= spanMs) first += 1
    most = Math.max(most, index - first + 1)
  }
  return most
}
