import type { Sample } from './comparison.ts'

/** Ratios that differ by less than this are one and the same on a machine that others use too. */
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

/** Round by round: what was slow for one was slow for the other of the same round. */
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

/** Nothing is concluded from a range that lies on both sides of a border of 1 ± the noise. */
export function toVerdict({ min, max }: Spread): Verdict {
  if (min >= 1 - NOISE && max <= 1 + NOISE) return 'same'
  if (max < 1 - NOISE) return 'less'
  if (min > 1 + NOISE) return 'more'
  return 'inconclusive'
}

/** What is counted over the slices of a round; of everything else the median stands for the round. */
const COUNTS: ReadonlySet<string> = new Set([
  'sent',
  'delivered',
  'lost',
  'duplicates',
  'misordered',
  'closed',
])

/** What tells the worst that happened, and so of a round that of its worst slice. */
const WORST: ReadonlySet<string> = new Set(['client cores', 'held by each', 'closed after'])

/** One sample for the slices of a round. */
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
