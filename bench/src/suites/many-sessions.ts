import { createFolder } from '../bench-standalone.ts'
import {
  measuredAlone,
  type Comparison,
  type Entrant,
  type Profile,
} from '../compare/comparison.ts'
import { measureOpens, OPEN_METRICS, seed, type Place } from './open-cost.ts'

interface Size {
  few: number
  many: number
  perSecond: number
  opens: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { few: 50, many: 100, perSecond: 50, opens: 10 },
  quick: { few: 100, many: 1000, perSecond: 20, opens: 60 },
  full: { few: 100, many: 100_000, perSecond: 40, opens: 240 },
}
const USERS = 50

/** What a full store costs whoever opens a session in it: one process, SQLite. */
export async function openManySessions(profile: Profile): Promise<Comparison> {
  const { few, many, perSecond, opens } = SIZES[profile]
  const [small, again, large] = await Promise.all([createFolder(), createFolder(), createFolder()])
  await seed(small.env, { SEED_SESSIONS: String(few) })
  await seed(again.env, { SEED_SESSIONS: String(few) })
  await seed(large.env, { SEED_SESSIONS: String(many) })
  const entrant = (name: string, folder: typeof small, count: number): Entrant => ({
    name,
    what: `${count} sessions in the store`,
    open: measuredAlone(() => {
      const step = Math.floor(count / USERS)
      const users = Array.from({ length: USERS }, (_, index) => `seeded-${index * step}`)
      const place: Place = { service: 'standalone', secret: folder.secret, pids: {} }
      return measureOpens({ place, env: folder.env, users, perSecond, opens })
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
    metrics: OPEN_METRICS,
    targets: [],
    async close() {
      await Promise.all([small, again, large].map((folder) => folder.remove()))
    },
  }
}
