import { findStrikeOut, judgeTargets, toSpreadOf, type Judged } from '../compare/judge.ts'
import { toRatios, toVerdict } from '../compare/ratios.ts'
import type { EntrantRecord, RunRecord } from '../compare/run-comparison.ts'
import { formatAmount } from '../compare/units.ts'

/** One suite: what was done, a plot, a table of medians, ratios and what was delivered. */
export function toSection(record: RunRecord, notes: string): string {
  const { suite, title, load, takenAt, profile, machine, entrants } = record
  const rounds = entrants[0]?.samples.length ?? 0
  const when = takenAt.slice(0, 16).replace('T', ' ')
  return [
    `## ${title}`,
    load,
    `Suite \`${suite}\`, profile ${profile}, ${rounds} counted round${rounds === 1 ? '' : 's'}, ${when} UTC, load average of the machine at the start ${machine.load.toFixed(1)}.`,
    `![${title}](bench/${suite}.svg)`,
    toTable(record),
    ...judgeTargets(record).map((judged) => `- ${describeTarget(judged)}`),
    entrants.map(({ name, what }) => `- **${name}**: ${what}.`).join('\n'),
    notes.trim(),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function describeTarget({ target, spread, reached }: Judged): string {
  const range = `${spread.min.toFixed(2)}–${spread.max.toFixed(2)}`
  const verdict = reached ? 'reached' : '**not reached**'
  return `${target.text}: **${spread.median.toFixed(2)}** (${range}), to reach ${target.reach}: ${verdict}.`
}

function toTable(record: RunRecord): string {
  const shown = record.metrics.filter(({ name }) =>
    record.entrants.some((entrant) => Number.isFinite(toSpreadOf(entrant, name).median)),
  )
  const heads = shown.flatMap(({ name, compared }) => (compared ? [name, 'ratio'] : [name]))
  const columns = ['', ...heads, 'delivered / sent', 'twice', 'out of order']
  return [
    `| ${columns.join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...record.entrants.map((entrant) => `| ${toRow(record, entrant, shown).join(' | ')} |`),
  ].join('\n')
}

function toRow(record: RunRecord, entrant: EntrantRecord, metrics: RunRecord['metrics']): string[] {
  const sum = (name: string): number =>
    entrant.samples.reduce((total, sample) => total + (sample[name] ?? 0), 0)
  const strikeOut = findStrikeOut(entrant)
  const strike = (text: string): string => (strikeOut && text !== '' ? `~~${text}~~` : text)
  const cells = metrics.flatMap(({ name, unit, compared }) => {
    const amount = strike(formatAmount(toSpreadOf(entrant, name).median, unit))
    return compared ? [amount, strike(describeRatio(record, entrant, name))] : [amount]
  })
  const counts = [`${sum('delivered')} / ${sum('sent')}`, sum('duplicates'), sum('misordered')]
  return [entrant.name, ...cells, ...counts.map(String)]
}

function describeRatio(record: RunRecord, entrant: EntrantRecord, metric: string): string {
  const baseline = record.entrants.find(({ name }) => name === record.baseline)
  if (!baseline || baseline === entrant) return ''
  const ratios = toRatios(entrant.samples, baseline.samples, metric)
  if (!Number.isFinite(ratios.median)) return ''
  const { median, min, max } = ratios
  const isUnclear = toVerdict(ratios) === 'inconclusive' ? ', inconclusive' : ''
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)}${isUnclear})`
}
