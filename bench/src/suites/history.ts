import { startBackEnds } from '../bench-cluster.ts'
import type { Comparison, Entrant, Profile } from '../compare/comparison.ts'
import { measureOpens, OPEN_METRICS, seed } from './open-cost.ts'

interface Size {
  short: number
  long: number
  perSecond: number
  opens: number
}

const SIZES: Record<Profile, Size> = {
  quick: { short: 100, long: 1000, perSecond: 30, opens: 90 },
  full: { short: 100, long: 10_000, perSecond: 40, opens: 400 },
}

/** What a long log costs whoever opens its session. */
export async function openHistory(profile: Profile): Promise<Comparison> {
  const { short, long, perSecond, opens } = SIZES[profile]
  const backEnds = await startBackEnds()
  const { env } = backEnds
  const logs = [`short:${short}`, `again:${short}`, `long:${long}`]
  await seed(env, { SEED_LOGS: logs.join(',') })
  const entrant = (name: string, user: string, what: string): Entrant => ({
    ...{ name, what },
    measure: () => measureOpens({ backEnds, env, users: [user], perSecond, opens }),
  })
  return {
    name: 'history',
    title: `A session of ${long} messages against one of ${short}`,
    load: `\`session:open\` of one session, ${perSecond} a second; each answers the latest 50 messages. Gateway, store and Redis are counted.`,
    baseline: `${short} messages`,
    nullEntrant: `${short} messages again`,
    entrants: [
      entrant(`${short} messages`, 'short', 'A short session'),
      entrant(`${short} messages again`, 'again', 'Another short one: the resolution'),
      entrant(`${long} messages`, 'long', 'A long session'),
    ],
    metrics: OPEN_METRICS,
    targets: [
      {
        ...{ text: `CPU of opening ${long} messages over ${short}`, metric: 'cpu', kind: 'ratio' },
        ...{ entrant: `${long} messages`, over: `${short} messages`, reach: 1.2 },
      },
    ],
    close: () => backEnds.stop(),
  }
}
