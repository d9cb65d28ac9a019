import type { Sample } from './comparison.ts'
import { toSpread } from './ratios.ts'

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
