import type { Session } from '@chatbox/contract'
import type { Settings } from '../../../tests/environment/cluster.ts'
import type { Service } from '../../../tests/environment/servers/processes.ts'
import {
  measuredAlone,
  type Comparison,
  type Entrant,
  type Metric,
  type Profile,
  type Sample,
} from '../compare/comparison.ts'
import { tallyPaced, type Rate, type Tally } from '../load/pace.ts'
import { openUser, type User } from '../load/user.ts'
import { startCpuMeter, type Pids } from '../measure/cpu.ts'
import { createFolder, openBackEnds, seed, startOurs } from '../servers.ts'

interface HistorySize extends Rate {
  long: number
  slices: number
}

const SHORT = 100
const SIZES: Record<Profile, HistorySize> = {
  smoke: { long: 150, perSecond: 50, count: 10, slices: 1 },
  quick: { long: 1000, perSecond: 20, count: 60, slices: 1 },
  full: { long: 10_000, perSecond: 40, count: 240, slices: 3 },
}
/** Small, because an earlier stand-in for MongoDB sorted a whole log for each page. */
const CLUSTER_SIZES: Record<Profile, HistorySize> = {
  smoke: { long: 150, perSecond: 50, count: 10, slices: 1 },
  quick: { long: 1000, perSecond: 5, count: 15, slices: 1 },
  full: { long: 10_000, perSecond: 2, count: 20, slices: 1 },
}
interface StoreSize extends Rate {
  few: number
  many: number
}

const STORE_SIZES: Record<Profile, StoreSize> = {
  smoke: { few: 50, many: 100, perSecond: 50, count: 10 },
  quick: { few: 100, many: 1000, perSecond: 20, count: 60 },
  full: { few: 100, many: 100_000, perSecond: 40, count: 240 },
}
const USERS = 50
/** Seconds of the warm-up with the same load. It is never longer than the measurement. */
const WARM_UP_S = 2
const METRICS: Metric[] = [
  { name: 'cpu', unit: 'us', compared: true },
  { name: 'cpu gateway', unit: 'us' },
  { name: 'cpu store', unit: 'us' },
  { name: 'latency p50', unit: 'ms', compared: true },
  { name: 'latency p99', unit: 'ms' },
]

/** Measures the cost of opening a session with a long log: one process, SQLite. */
export async function openHistory(profile: Profile): Promise<Comparison> {
  const { env, remove } = await createFolder()
  const place: Place = { service: 'standalone', env, pids: {} }
  const found = await compareLogs(place, SIZES[profile], 'SQLite')
  return { ...found, name: 'history', close: remove }
}

/** Measures the same in a cluster, with any store. */
export async function openHistoryCluster(profile: Profile): Promise<Comparison> {
  const { env, pids, mongo, stop } = await openBackEnds()
  const place: Place = { service: 'gateway', env, pids }
  const found = await compareLogs(place, CLUSTER_SIZES[profile], mongo.kind)
  return { ...found, name: 'history-cluster', close: stop }
}

async function compareLogs(
  place: Place,
  size: HistorySize,
  store: string,
): Promise<Omit<Comparison, 'close'>> {
  const { long, perSecond, slices } = size
  await seed(place.env, { SEED_LOGS: `short:${SHORT},again:${SHORT},long:${long}` })
  const entrant = (name: string, user: string, what: string): Entrant => ({
    ...{ name, what },
    open: measuredAlone(() => measureOpens(place, [user], size)),
  })
  return {
    name: 'history',
    title: `A session of ${long} messages against one of ${SHORT}, over ${store}`,
    load: `\`session:open\` of one session, ${perSecond} a second; each answers the latest page of 50 messages. All processes are counted.`,
    baseline: `${SHORT} messages`,
    nullEntrant: `${SHORT} messages again`,
    slices,
    entrants: [
      entrant(`${SHORT} messages`, 'short', 'A short session'),
      entrant(`${SHORT} messages again`, 'again', 'Another short one: the resolution'),
      entrant(`${long} messages`, 'long', 'A long session'),
    ],
    metrics: METRICS,
    targets: [
      {
        text: `CPU of opening a session of ${long} messages over one of ${SHORT}, ${store}`,
        ...{ metric: 'cpu', kind: 'ratio', reach: 1.2 },
        ...{ entrant: `${long} messages`, over: `${SHORT} messages` },
      },
    ],
  }
}

/** Measures the cost of opening a session in a full store: one process, SQLite. */
export async function openManySessions(profile: Profile): Promise<Comparison> {
  const size = STORE_SIZES[profile]
  const { few, many, perSecond } = size
  const [small, again, large] = await Promise.all([createFolder(), createFolder(), createFolder()])
  await seed(small.env, { SEED_SESSIONS: String(few) })
  await seed(again.env, { SEED_SESSIONS: String(few) })
  await seed(large.env, { SEED_SESSIONS: String(many) })
  const entrant = (name: string, { env }: typeof small, count: number): Entrant => ({
    name,
    what: `${count} sessions in the store`,
    open: measuredAlone(() => {
      const step = Math.floor(count / USERS)
      const users = Array.from({ length: USERS }, (_, index) => `seeded-${index * step}`)
      return measureOpens({ service: 'standalone', env, pids: {} }, users, size)
    }),
  })
  return {
    name: 'many-sessions',
    title: `${many} sessions in the store against ${few}, over SQLite`,
    load: `\`session:open\` by ${USERS} users, ${perSecond} a second in all, of one process.`,
    baseline: `${few} sessions`,
    nullEntrant: `${few} sessions again`,
    entrants: [
      entrant(`${few} sessions`, small, few),
      entrant(`${few} sessions again`, again, few),
      entrant(`${many} sessions`, large, many),
    ],
    metrics: METRICS,
    targets: [],
    async close() {
      await Promise.all([small, again, large].map((folder) => folder.remove()))
    },
  }
}

interface Place {
  /** The serving process: a gateway of a cluster, or a standalone process. */
  service: Service
  env: Settings
  pids: Pids
}

/** Measures the cost for these users to open their sessions repeatedly over one gateway. */
async function measureOpens(place: Place, names: readonly string[], rate: Rate): Promise<Sample> {
  const gateway = await startOurs(place.service, place.env)
  const users = await Promise.all(names.map((name) => openUser(gateway, name)))
  try {
    const stranger = users.find(({ session }, index) => {
      return !session.id.startsWith(`session-of-${names[index]}`)
    })
    if (stranger) throw new Error(`${stranger.session.id} is no seeded session`)
    const warmUp = Math.min(rate.count, WARM_UP_S * rate.perSecond)
    await openAll(users, { ...rate, count: warmUp })
    const stop = await startCpuMeter({ gateway: gateway.pid, ...place.pids })
    const tally = await openAll(users, rate)
    const { per, clientCores } = await stop()
    return {
      ...tally.toSample(),
      cpu: per(rate.count),
      'cpu gateway': per(rate.count, 'gateway'),
      'cpu store': per(rate.count, 'store'),
      'client cores': clientCores,
    }
  } finally {
    for (const { line } of users) line.close()
    await gateway.stop()
  }
}

function openAll(users: readonly User[], rate: Rate): Promise<Tally> {
  return tallyPaced(rate, async (index) => {
    const user = users[index % users.length]
    const sessionId = user?.session.id
    const opened = await user?.line.request<{ session: Session }>('session:open', { sessionId })
    if (opened?.session.id !== sessionId) throw new Error('another session was opened')
  })
}
