import { startBackEnds } from '../bench-cluster.ts'
import type { Comparison, Entrant, Profile } from '../compare/comparison.ts'
import { measureOpens, OPEN_METRICS, seed } from './open-cost.ts'

interface Size {
  few: number
  many: number
  perSecond: number
  opens: number
}

const SIZES: Record<Profile, Size> = {
  quick: { few: 100, many: 2000, perSecond: 30, opens: 90 },
  full: { few: 100, many: 100_000, perSecond: 40, opens: 400 },
}
const USERS = 50

/** What a full store costs whoever opens a session in it. */
export async function openManySessions(profile: Profile): Promise<Comparison> {
  const { few, many, perSecond, opens } = SIZES[profile]
  const backEnds = await startBackEnds()
  const inDatabase = (name: string) => ({ ...backEnds.env, MONGO_DATABASE: `bench_${name}` })
  for (const [name, sessions] of Object.entries({ few, again: few, many })) {
    await seed(inDatabase(name), { SEED_SESSIONS: String(sessions) })
  }
  const entrant = (name: string, database: string, count: number): Entrant => ({
    name,
    what: `${count} sessions in the store`,
    measure: () => {
      const step = Math.floor(count / USERS)
      const users = Array.from({ length: USERS }, (_, index) => `seeded-${index * step}`)
      return measureOpens({ backEnds, env: inDatabase(database), users, perSecond, opens })
    },
  })
  return {
    name: 'many-sessions',
    title: `${many} sessions in the store against ${few}`,
    load: `\`session:open\` by ${USERS} users, ${perSecond} a second in all. Gateway, store and Redis are counted.`,
    baseline: `${few} sessions`,
    nullEntrant: `${few} sessions again`,
    entrants: [
      entrant(`${few} sessions`, 'few', few),
      entrant(`${few} sessions again`, 'again', few),
      entrant(`${many} sessions`, 'many', many),
    ],
    metrics: OPEN_METRICS,
    targets: [],
    close: () => backEnds.stop(),
  }
}
