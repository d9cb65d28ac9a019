import type { Comparison, Metric, Profile, Sample, Target } from './comparison.ts'
import { readMachine, type Machine } from './machine.ts'

export interface EntrantRecord {
  name: string
  what: string
  /** One of each round, in order. */
  samples: Sample[]
}

/** Everything that a run has found: the report is made of these alone. */
export interface RunRecord {
  suite: string
  title: string
  load: string
  takenAt: string
  profile: Profile
  machine: Machine
  baseline: string
  nullEntrant?: string
  metrics: Metric[]
  targets: Target[]
  entrants: EntrantRecord[]
}

/**
 * Each round measures every entrant once, in turn forwards and backwards, so that a machine that
 * becomes slower or faster meanwhile does so for all. The first round warms up and is not counted;
 * a smoke run, whose figures mean nothing, goes without it.
 */
export async function runComparison(
  comparison: Comparison,
  { rounds, profile }: { rounds: number; profile: Profile },
): Promise<RunRecord> {
  const { entrants, name, title, load, baseline, nullEntrant, metrics, targets } = comparison
  const machine = await readMachine()
  const samples = new Map<string, Sample[]>(entrants.map((entrant) => [entrant.name, []]))
  for (let round = profile === 'smoke' ? 1 : 0; round <= rounds; round += 1) {
    for (const entrant of round % 2 === 0 ? entrants : entrants.toReversed()) {
      const sample = await entrant.measure()
      if (round > 0) samples.get(entrant.name)?.push(sample)
      process.stderr.write(`${name} ${round}/${rounds} ${entrant.name} ${toNote(sample)}\n`)
    }
  }
  return {
    ...{ suite: name, title, load, takenAt: new Date().toISOString(), profile, machine },
    ...{ baseline, ...(nullEntrant === undefined ? {} : { nullEntrant }), metrics, targets },
    entrants: entrants.map(({ name: entrant, what }) => ({
      ...{ name: entrant, what, samples: samples.get(entrant) ?? [] },
    })),
  }
}

function toNote(sample: Sample): string {
  return Object.entries(sample)
    .map(([name, value]) => `${name}=${Number(value.toPrecision(4))}`)
    .join(' ')
}
