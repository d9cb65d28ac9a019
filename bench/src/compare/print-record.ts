import { findStrikeOut, judgeTargets, toSpreadOf } from './judge.ts'
import { toRatios, toVerdict } from './ratios.ts'
import type { EntrantRecord, RunRecord } from './run-comparison.ts'
import { formatAmount } from './units.ts'

/**
 * Prints the record as a table: medians of the rounds, and ratios to the baseline with their range.
 */
export function printRecord(record: RunRecord): void {
  console.log(`\n${record.suite}: ${record.title}`)
  for (const entrant of record.entrants) {
    console.log(`  ${entrant.name}`)
    for (const { name, unit, compared } of record.metrics) {
      const { median, min, max } = toSpreadOf(entrant, name)
      if (!Number.isFinite(median)) continue
      const range = `${formatAmount(min, unit)}..${formatAmount(max, unit)}`
      const ratio = compared ? describeRatio(record, entrant, name) : ''
      const amount = formatAmount(median, unit).padStart(12)
      console.log(`    ${name.padEnd(24)}${amount}  ${range.padEnd(26)}${ratio}`.trimEnd())
    }
    console.log(`    ${describeDelivery(entrant)}`)
  }
  for (const { target, spread, reached } of judgeTargets(record)) {
    const range = `${spread.min.toFixed(2)}..${spread.max.toFixed(2)}`
    const verdict = `reach ${target.reach}: ${reached ? 'yes' : 'NO'}`
    console.log(`  ${target.text}: ${spread.median.toFixed(2)} (${range})   ${verdict}`)
  }
}

function describeRatio(record: RunRecord, entrant: EntrantRecord, metric: string): string {
  const baseline = record.entrants.find(({ name }) => name === record.baseline)
  if (!baseline || baseline === entrant) return ''
  if (findStrikeOut(entrant)) return '-'
  const ratios = toRatios(entrant.samples, baseline.samples, metric)
  const { median, min, max } = ratios
  return `x ${median.toFixed(2)} (${min.toFixed(2)}..${max.toFixed(2)}) ${toVerdict(ratios)}`
}

function describeDelivery(entrant: EntrantRecord): string {
  const sum = (name: string): number =>
    entrant.samples.reduce((total, sample) => total + (sample[name] ?? 0), 0)
  const counts = ['sent', 'delivered', 'duplicates', 'misordered'].map(
    (name) => `${name} ${sum(name)}`,
  )
  return findStrikeOut(entrant) ?? counts.join(', ')
}
