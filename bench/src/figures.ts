export interface Figure {
  name: string
  value: number
  unit: 'ms' | 'MB' | ''
  /** The greatest value that is good enough; nothing where it is only told. */
  reach?: number
}

/** The value that the share `p` of the samples does not exceed. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? Number.NaN
}

export function printFigures(suite: string, figures: readonly Figure[]): void {
  console.log(`\n${suite}`)
  for (const { name, value, unit, reach } of figures) {
    const amount = `${value.toFixed(unit === '' ? 0 : 1)} ${unit}`.padStart(12)
    const verdict =
      reach === undefined ? '' : `reach ${reach} ${unit}: ${value <= reach ? 'yes' : 'NO'}`
    console.log(`  ${name.padEnd(44)}${amount}   ${verdict}`.trimEnd())
  }
}
