import { startBackEnds } from '../bench-cluster.ts'
import { createFolder } from '../bench-standalone.ts'
import { measuredAlone, type Comparison, type Profile } from '../compare/comparison.ts'
import { measureOpens, OPEN_METRICS, seed, type Place } from './open-cost.ts'

interface Size {
  long: number
  perSecond: number
  opens: number
  slices: number
}

const SHORT = 100
const SIZES: Record<Profile, Size> = {
  smoke: { long: 150, perSecond: 50, opens: 10, slices: 1 },
  quick: { long: 1000, perSecond: 20, opens: 60, slices: 1 },
  full: { long: 10_000, perSecond: 40, opens: 240, slices: 3 },
}
/** Small from when the store that stands in for MongoDB here sorted a whole log for each page of it. */
const CLUSTER_SIZES: Record<Profile, Size> = {
  smoke: { long: 150, perSecond: 50, opens: 10, slices: 1 },
  quick: { long: 1000, perSecond: 5, opens: 15, slices: 1 },
  full: { long: 10_000, perSecond: 2, opens: 20, slices: 1 },
}

/** What a long log costs whoever opens its session: one process, SQLite. */
export async function openHistory(profile: Profile): Promise<Comparison> {
  const folder = await createFolder()
  const { env, secret } = folder
  const size = SIZES[profile]
  const place: Place = { service: 'standalone', secret, pids: {} }
  const found = await compareLogs({ place, env, size, store: 'SQLite' })
  return { ...found, name: 'history', close: () => folder.remove() }
}

/** The same in a cluster, over whichever store there is. */
export async function openHistoryCluster(profile: Profile): Promise<Comparison> {
  const backEnds = await startBackEnds()
  const { env, secret, pids, storeKind } = backEnds
  const size = CLUSTER_SIZES[profile]
  const place: Place = { service: 'gateway', secret, pids }
  const found = await compareLogs({ place, env, size, store: storeKind })
  return { ...found, name: 'history-cluster', close: () => backEnds.stop() }
}

interface Logs {
  place: Place
  env: Record<string, string>
  size: Size
  store: string
}

async function compareLogs({ place, env, size, store }: Logs): Promise<Omit<Comparison, 'close'>> {
  const { long, perSecond, opens } = size
  await seed(env, { SEED_LOGS: `short:${SHORT},again:${SHORT},long:${long}` })
  const entrant = (name: string, user: string, what: string) => ({
    ...{ name, what },
    open: measuredAlone(() => measureOpens({ place, env, users: [user], perSecond, opens })),
  })
  return {
    name: 'history',
    title: `A session of ${long} messages against one of ${SHORT}, over ${store}`,
    load: `\`session:open\` of one session, ${perSecond} a second; each answers the latest page of 50 messages. All processes are counted.`,
    baseline: `${SHORT} messages`,
    nullEntrant: `${SHORT} messages again`,
    slices: size.slices,
    entrants: [
      entrant(`${SHORT} messages`, 'short', 'A short session'),
      entrant(`${SHORT} messages again`, 'again', 'Another short one: the resolution'),
      entrant(`${long} messages`, 'long', 'A long session'),
    ],
    metrics: OPEN_METRICS,
    targets: [
      {
        text: `CPU of opening a session of ${long} messages over one of ${SHORT}, ${store}`,
        ...{ metric: 'cpu', kind: 'ratio', reach: 1.2 },
        ...{ entrant: `${long} messages`, over: `${SHORT} messages` },
      },
    ],
  }
}
