import type { Comparison, Metric, OpenComparison, Profile } from './comparison.ts'

/** The product as it was at another commit: where it lies. */
interface Version {
  commit: string
  folder: string
}

const OURS = 'ours'
/** This commit may cost so many times what the other one does. */
const REACH = 1.03

/** The product as it is and as it was, in one interleaved run; nothing else of the suite runs. */
export async function openAgainst(
  open: OpenComparison,
  profile: Profile,
  version: Version,
): Promise<Comparison> {
  const now = await open(profile)
  const then = await open(profile, { BENCH_FOLDER: version.folder })
  const before = findOurs(then)
  const [baseline, nullEntrant] = [version.commit, `${version.commit} again`]
  const metrics = now.metrics.filter(({ name }) => name.startsWith('cpu')).map(toCompared)
  const [first = { name: '' }] = now.metrics.filter(({ name }) => name.startsWith('cpu'))
  return {
    ...now,
    name: `${now.name}-against`,
    title: `${now.title}, now and at ${version.commit}`,
    ...{ baseline, nullEntrant, metrics },
    entrants: [
      { ...before, name: baseline, what: `The product at ${version.commit}` },
      { ...before, name: nullEntrant, what: 'The same once more: the resolution' },
      findOurs(now),
    ],
    targets: [
      {
        ...{ text: `CPU, now over ${version.commit}`, metric: first.name, entrant: OURS },
        ...{ over: baseline, kind: 'ratio', reach: REACH },
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

function toCompared(metric: Metric): Metric {
  return { ...metric, compared: true }
}
