import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { findCommit } from '../../../tests/environment/versions.ts'
import type {
  Comparison,
  Entrant,
  Metric,
  OpenEntrant,
  Profile,
  Sample,
  Target,
} from './comparison.ts'
import { joinSlices } from './ratios.ts'

interface Machine {
  processor: string
  cores: number
  memoryGb: number
  node: string
  kernel: string
  /** The load average of the last minute at the start of the run. */
  load: number
}

export interface EntrantRecord {
  name: string
  what: string
  /** One sample per round, in order. */
  samples: Sample[]
}

/** All results of a run. The report is made only from these. */
export interface RunRecord {
  suite: string
  title: string
  load: string
  takenAt: string
  /** The checked-out commit; undefined outside a repository. */
  commit?: string | undefined
  profile: Profile
  machine: Machine
  baseline: string
  nullEntrant?: string
  metrics: Metric[]
  targets: Target[]
  entrants: EntrantRecord[]
}

/**
 * Measures every entrant in each round with fresh processes, in alternating order, so that a change
 * in the machine's speed affects all of them. A first round warms up and does not count. There is
 * no warm-up round for a smoke run, whose figures do not matter, or for a run in slices, whose
 * entrants warm up by themselves.
 */
export async function runComparison(
  comparison: Comparison,
  { rounds, profile }: { rounds: number; profile: Profile },
): Promise<RunRecord> {
  const { entrants, name, title, load, baseline, nullEntrant, metrics, targets } = comparison
  const [machine, commit] = await Promise.all([readMachine(), findCommit()])
  const samples = new Map<string, Sample[]>(entrants.map((entrant) => [entrant.name, []]))
  const isWarm = profile === 'smoke' || (comparison.slices ?? 1) > 1
  for (let round = isWarm ? 1 : 0; round <= rounds; round += 1) {
    const taken = await takeRound(comparison, round % 2 === 0 ? entrants : entrants.toReversed())
    for (const { entrant, sample } of taken) {
      if (round > 0) samples.get(entrant.name)?.push(sample)
      process.stderr.write(`${name} ${round}/${rounds} ${entrant.name} ${toNote(sample)}\n`)
    }
  }
  return {
    ...{ suite: name, title, load, takenAt: new Date().toISOString() },
    ...{ commit, profile, machine },
    ...{ baseline, ...(nullEntrant === undefined ? {} : { nullEntrant }), metrics, targets },
    entrants: entrants.map(({ name: entrant, what }) => ({
      ...{ name: entrant, what, samples: samples.get(entrant) ?? [] },
    })),
  }
}

interface Taken {
  entrant: Entrant
  sample: Sample
}

async function takeRound({ slices = 1 }: Comparison, order: readonly Entrant[]): Promise<Taken[]> {
  if (slices > 1) return takeTogether(order, slices)
  const taken: Taken[] = []
  for (const entrant of order) taken.push(...(await takeTogether([entrant], slices)))
  return taken
}

/**
 * A shared machine changes its speed within seconds, so the compared entrants take shorter turns
 * than that.
 */
async function takeTogether(order: readonly Entrant[], slices: number): Promise<Taken[]> {
  const running: { entrant: Entrant; open: OpenEntrant; samples: Sample[] }[] = []
  try {
    for (const entrant of order) running.push({ entrant, open: await entrant.open(), samples: [] })
    for (let slice = 0; slice < slices; slice += 1) {
      for (const { open, samples } of slice % 2 === 0 ? running : running.toReversed()) {
        samples.push(await open.measure())
      }
    }
  } finally {
    await Promise.all(running.map(({ open }) => open.close()))
  }
  return running.map(({ entrant, samples }) => ({ entrant, sample: joinSlices(samples) }))
}

function toNote(sample: Sample): string {
  return Object.entries(sample)
    .map(([name, value]) => `${name}=${Number(value.toPrecision(4))}`)
    .join(' ')
}

async function readMachine(): Promise<Machine> {
  const kernel = await readFile('/proc/sys/kernel/osrelease', 'utf8').catch(() => 'unknown')
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    kernel: kernel.trim(),
    load: loadavg()[0] ?? Number.NaN,
  }
}
