import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { startOurs } from '../contestants/start-contestant.ts'
import { percentile } from '../load/percentile.ts'
import { waitUntil } from '../load/pace.ts'
import { ReturningUsers } from '../load/returning-users.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openReadCounter } from '../measure/store-reads.ts'
import { seed } from './open-cost.ts'

const SOCKETS: Record<Profile, number> = { smoke: 20, quick: 100, full: 3000 }
const BACK_TIMEOUT_MS = 90_000

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
        open: measuredAlone(() => measureKill(backEnds, sockets)),
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

async function measureKill(backEnds: BenchBackEnds, sockets: number): Promise<Sample> {
  const reads = await openReadCounter(backEnds.env.MONGO_URI ?? '')
  const start = (name: string, env: Record<string, string> = {}) =>
    startOurs('gateway', { env: { ...backEnds.env, ...env }, name })
  const counted = { MONGO_URI: reads.uri }
  const [doomed, b, c] = await Promise.all([start('a'), start('b', counted), start('c', counted)])
  const users = new ReturningUsers(backEnds.secret)
  try {
    await users.open(sockets, doomed)
    const stop = await startCpuMeter({ b: b.pid, c: c.pid, ...backEnds.pids })
    const readsBefore = reads.count()
    const killedAt = performance.now()
    await doomed.kill()
    for (let index = 0; index < sockets; index += 1) void users.comeBack(index, [b, c])
    await waitUntil(() => users.backAt.length === sockets, BACK_TIMEOUT_MS)
    const storeReads = reads.count() - readsBefore
    const { byPart, clientCores } = await stop()
    const backMs = users.backAt.map((at) => at - killedAt)
    const totalUs = Object.values(byPart).reduce((sum, us) => sum + us, 0)
    return {
      sent: sockets,
      delivered: backMs.length,
      lost: sockets - backMs.length,
      'back p50': percentile(backMs, 0.5) / 1000,
      'back p99': percentile(backMs, 0.99) / 1000,
      'all back': Math.max(...backMs) / 1000,
      tries: users.tries / sockets,
      'store reads': storeReads / sockets,
      cpu: totalUs / sockets,
      'client cores': clientCores,
    }
  } finally {
    users.close()
    await Promise.all([doomed, b, c].map((server) => server.kill()))
    reads.close()
  }
}
