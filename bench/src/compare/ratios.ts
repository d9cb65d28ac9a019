import type { Sample } from './comparison.ts'

/** Ratios that differ by less than this count as equal, because others use the machine too. */
export const NOISE = 0.15

export interface Spread {
  median: number
  min: number
  max: number
}

export type Verdict = 'same' | 'less' | 'more' | 'inconclusive'

export function toSpread(values: readonly number[]): Spread {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b)
  const at = (index: number): number => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  }
}

/** Divides round by round, because a slow moment affects both entrants of the same round. */
export function toRatios(
  samples: readonly Sample[],
  baseline: readonly Sample[],
  metric: string,
): Spread {
  return toSpread(
    samples.map(
      (sample, round) => (sample[metric] ?? Number.NaN) / (baseline[round]?.[metric] ?? Number.NaN),
    ),
  )
}

/** A range that crosses 1 ± the noise is inconclusive. */
export function toVerdict({ min, max }: Spread): Verdict {
  if (min >= 1 - NOISE && max <= 1 + NOISE) return 'same'
  if (max < 1 - NOISE) return 'less'
  if (min > 1 + NOISE) return 'more'
  return 'inconclusive'
}

/** Metrics that are summed over the slices of a round. For all others the median counts. */
const COUNTS: ReadonlySet<string> = new Set([
  'sent',
  'delivered',
  'lost',
  'duplicates',
  'misordered',
  'closed',
])

/** Metrics that show the worst case. For a round, its worst slice counts. */
const WORST: ReadonlySet<string> = new Set(['client cores', 'held by each', 'closed after'])

/** Joins the slices of a round into one sample. */
export function joinSlices(slices: readonly Sample[]): Sample {
  const names = new Set(slices.flatMap((slice) => Object.keys(slice)))
  return Object.fromEntries([...names].map((name) => [name, join(name, slices)]))
}

function join(name: string, slices: readonly Sample[]): number {
  const values = slices.map((slice) => slice[name] ?? 0)
  if (COUNTS.has(name)) return values.reduce((sum, value) => sum + value, 0)
  const { median, max } = toSpread(values)
  return WORST.has(name) ? max : median
}
