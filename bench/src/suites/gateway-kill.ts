import { startMongoLink } from '../../../tests/environment/servers/mongo-link.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { percentile, waitUntil } from '../load/pace.ts'
import { ReturningUsers } from '../load/returning-users.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openBackEnds, seed, startOurs, type BenchBackEnds } from '../servers.ts'

const SOCKETS: Record<Profile, number> = { smoke: 20, quick: 100, full: 3000 }
const BACK_TIMEOUT_MS = 90_000
const READS = new Set(['find', 'aggregate', 'count', 'distinct', 'getMore'])

/** Kills a gateway with many sockets. */
export async function openGatewayKill(profile: Profile): Promise<Comparison> {
  const sockets = SOCKETS[profile]
  const backEnds = await openBackEnds()
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
  let reads = 0
  // Measured on the wire between gateways and store, independent of what either reports.
  const link = await startMongoLink(backEnds.mongo.port, (command) => {
    if (READS.has(Object.keys(command)[0] ?? '')) reads += 1
    return undefined
  })
  const counted = { ...backEnds.env, MONGO_URI: link.uri }
  const [doomed, b, c] = await Promise.all([
    startOurs('gateway', backEnds.env, 'a'),
    startOurs('gateway', counted, 'b'),
    startOurs('gateway', counted, 'c'),
  ])
  const users = new ReturningUsers()
  try {
    await users.open(sockets, doomed)
    const stop = await startCpuMeter({ b: b.pid, c: c.pid, ...backEnds.pids })
    const readsBefore = reads
    const killedAt = performance.now()
    await doomed.kill()
    for (let index = 0; index < sockets; index += 1) void users.comeBack(index, [b, c])
    await waitUntil(() => users.backAt.length === sockets, BACK_TIMEOUT_MS)
    const storeReads = reads - readsBefore
    const { per, clientCores } = await stop()
    const backMs = users.backAt.map((at) => at - killedAt)
    return {
      sent: sockets,
      delivered: backMs.length,
      lost: sockets - backMs.length,
      'back p50': percentile(backMs, 0.5) / 1000,
      'back p99': percentile(backMs, 0.99) / 1000,
      'all back': Math.max(...backMs) / 1000,
      tries: users.tries / sockets,
      'store reads': storeReads / sockets,
      cpu: per(sockets),
      'client cores': clientCores,
    }
  } finally {
    users.close()
    await Promise.all([doomed, b, c].map((server) => server.kill()))
    await link.close()
  }
}
