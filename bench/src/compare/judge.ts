import type { Target } from './comparison.ts'
import { toRatios, toSpread, type Spread } from './ratios.ts'
import type { EntrantRecord, RunRecord } from './run-comparison.ts'

/** From this share of a core on, the load client may be the limit. */
const CLIENT_BOUND_CORES = 0.8
const FAULTS = ['lost', 'duplicates', 'misordered'] as const

/** Returns why the figures of an entrant do not count, or undefined if they do. */
export function findStrikeOut({ samples }: EntrantRecord): string | undefined {
  const faults = FAULTS.flatMap((fault) => {
    const count = samples.reduce((sum, sample) => sum + (sample[fault] ?? 0), 0)
    return count > 0 ? [`${count} ${fault}`] : []
  })
  if (faults.length > 0) return `struck out: ${faults.join(', ')}`
  const busiest = Math.max(0, ...samples.map((sample) => sample['client cores'] ?? 0))
  if (busiest > CLIENT_BOUND_CORES) return `client-bound: ${busiest.toFixed(2)} cores`
  return undefined
}

export function toSpreadOf({ samples }: EntrantRecord, metric: string): Spread {
  return toSpread(samples.map((sample) => sample[metric] ?? Number.NaN))
}

export interface Judged {
  target: Target
  spread: Spread
  reached: boolean
}

/** The median decides whether a target is reached. The range says how certain that is. */
export function judgeTargets(record: Pick<RunRecord, 'targets' | 'entrants'>): Judged[] {
  return record.targets.map((target) => {
    const spread = toTargetSpread(record, target)
    return { target, spread, reached: spread.median <= target.reach }
  })
}

function toTargetSpread(
  record: Pick<RunRecord, 'entrants'>,
  { metric, entrant, over, kind }: Target,
): Spread {
  const find = (name: string | undefined): EntrantRecord['samples'] =>
    record.entrants.find((each) => each.name === name)?.samples ?? []
  const own = find(entrant)
  if (kind === 'ratio') return toRatios(own, find(over), metric)
  const base = find(over)
  const value = (samples: EntrantRecord['samples'], round: number): number =>
    samples[round]?.[metric] ?? Number.NaN
  return toSpread(
    own.map((_, round) => value(own, round) - (kind === 'added' ? value(base, round) : 0)),
  )
}
