import type { OtherVersion } from '../../../tests/environment/versions.ts'
import type { Comparison, OpenComparison, Profile } from './comparison.ts'

const OURS = 'ours'
const BEFORE = 'before'
const AGAIN = 'before again'
/** The most that this commit may cost, as a multiple of the other one. */
const REACH = 1.03

/**
 * Compares the product with an earlier version of it in one interleaved run. Nothing else of the
 * suite runs.
 */
export async function openAgainst(
  open: OpenComparison,
  profile: Profile,
  version: OtherVersion,
): Promise<Comparison> {
  const now = await open(profile)
  const then = await open(profile, { BENCH_FOLDER: version.folder })
  const before = findOurs(then)
  const metrics = now.metrics
    .filter(({ name }) => name.startsWith('cpu'))
    .map((metric) => ({ ...metric, compared: true }))
  return {
    ...now,
    name: `${now.name}-against`,
    title: `${now.title}, now and at ${version.commit}`,
    ...{ baseline: BEFORE, nullEntrant: AGAIN, metrics },
    entrants: [
      { ...before, name: BEFORE, what: `The product at ${version.commit}` },
      { ...before, name: AGAIN, what: 'The same once more: the resolution' },
      findOurs(now),
    ],
    targets: [
      {
        ...{
          text: `${now.title}: CPU now over ${version.commit}`,
          metric: metrics[0]?.name ?? '',
          entrant: OURS,
        },
        ...{ over: BEFORE, kind: 'ratio', reach: REACH },
      },
    ],
    async close() {
      await Promise.all([now.close(), then.close()])
    },
  }
}

function findOurs({ entrants, name }: Comparison): Comparison['entrants'][number] {
  const ours = entrants.find((entrant) => entrant.name === OURS)
  if (!ours) throw new Error(`${name} has no entrant "${OURS}"`)
  return ours
}
