import { readFile } from 'node:fs/promises'
import { findStrikeOut, judgeTargets, toSpreadOf } from '../compare/judge.ts'
import { NOISE, toRatios, toVerdict, type Spread } from '../compare/ratios.ts'
import type { EntrantRecord, RunRecord } from '../compare/run-comparison.ts'
import { formatAmount } from '../compare/units.ts'
import { readRecords, RECORDS, REPORTS, writeFormatted } from './records.ts'

/** The order of the report. Suites that are not named come last. */
const ORDER = ['control', 'tokens', 'ack', 'history', 'history-cluster', 'many-sessions', 'connect']

/** Writes `docs/reports/bench.md` from the records and the notes. `suites` are all known suites. */
export async function writeReport(suites: readonly string[]): Promise<void> {
  const place = ({ suite }: RunRecord): number => (ORDER.indexOf(suite) + 100) % 100
  const records = (await readRecords()).sort((a, b) => place(a) - place(b))
  const text = [
    '# Benchmark',
    'Made by `npm run bench -- --suite NAME --profile full --save` from the records and the notes in [`bench/`](bench/), which hold every metric of every round; `npm run bench -- --report` writes it again from them. `npm run bench -- --against REF` measures the product beside itself at another commit.',
    toMachine(records),
    '## Figures',
    toFigures(records),
    ...toMissing(records, suites),
    '## Side by side',
    'Medians of the rounds, and the ratio to the first entrant of the suite, round by round, with its range. A name with a minus is a build of the product without that part: the difference is what the part costs.',
    toEntrants(records),
    '## What each suite does',
    records.map(toSuite).join('\n'),
    '## How it is measured',
    METHOD,
    // Notes about where costs go, written by hand.
    await readFile(`${RECORDS}notes.md`, 'utf8').catch(() => ''),
  ]
  await writeFormatted(`${REPORTS}bench.md`, text.join('\n\n'))
}

function toMachine([first]: readonly RunRecord[]): string {
  if (!first) return 'Nothing was measured.'
  const { processor, cores, memoryGb, kernel, node } = first.machine
  return `Machine: ${processor}, ${cores} cores, ${memoryGb} GB, Linux ${kernel}, Node.js ${node}. Compare ratios, never amounts.`
}

function toFigures(records: readonly RunRecord[]): string {
  const rows = records.flatMap((record) =>
    judgeTargets(record).map(({ target, spread, reached }) => [
      target.text,
      `≤ ${target.reach}`,
      `${spread.median.toFixed(2)} (${toRange(spread)})`,
      reached ? 'yes' : '**no**',
      // An absolute value is not compared with the baseline.
      target.kind === 'value' ? '' : describeNoise(record, target.metric),
    ]),
  )
  return table(['Figure', 'Reach', 'Measured', 'Reached', 'The baseline against itself'], rows)
}

/** Returns how much the baseline differs from itself. Smaller differences mean nothing. */
function describeNoise(record: RunRecord, metric: string): string {
  const again = record.entrants.find(({ name }) => name === record.nullEntrant)
  const ratios = again && toRatiosOf(record, again, metric)
  if (!ratios) return ''
  const isCoarse = toVerdict(ratios) !== 'same'
  return `${ratios.median.toFixed(2)} (${toRange(ratios)})${isCoarse ? ': **too coarse to tell**' : ''}`
}

function toMissing(records: readonly RunRecord[], suites: readonly string[]): string[] {
  const missing = suites.filter((suite) => records.every((record) => record.suite !== suite))
  if (missing.length === 0) return []
  return [`Not measured for this report: ${missing.map((suite) => `\`${suite}\``).join(', ')}.`]
}

function toEntrants(records: readonly RunRecord[]): string {
  const rows = records.flatMap((record) =>
    record.entrants.map((entrant, index) => [
      index === 0 ? `\`${record.suite}\`` : '',
      `**${entrant.name}**: ${entrant.what}`,
      describeAmounts(record, entrant),
      describeRatio(record, entrant),
    ]),
  )
  return table(['Suite', 'What', 'Measured', 'Ratio'], rows)
}

/** Returns the first compared metric, or all metrics of a suite that compares none. */
function describeAmounts({ metrics }: RunRecord, entrant: EntrantRecord): string {
  const compared = metrics.find((metric) => metric.compared)
  const amounts = (compared ? [compared] : metrics).map(
    ({ name, unit }) => `${name} ${formatAmount(toSpreadOf(entrant, name).median, unit)}`,
  )
  const strikeOut = findStrikeOut(entrant)
  return strikeOut === undefined ? amounts.join(', ') : `~~${amounts.join(', ')}~~ ${strikeOut}`
}

function describeRatio(record: RunRecord, entrant: EntrantRecord): string {
  const compared = record.metrics.find((metric) => metric.compared)
  const ratios = compared && toRatiosOf(record, entrant, compared.name)
  if (!ratios || entrant.name === record.baseline || findStrikeOut(entrant)) return ''
  const isUnclear = toVerdict(ratios) === 'inconclusive' ? ', inconclusive' : ''
  return `${ratios.median.toFixed(2)} (${toRange(ratios)}${isUnclear})`
}

function toRatiosOf(
  { entrants, baseline }: RunRecord,
  { samples }: EntrantRecord,
  metric: string,
): Spread | undefined {
  const base = entrants.find(({ name }) => name === baseline)
  return base && toRatios(samples, base.samples, metric)
}

function toSuite({ suite, title, load, takenAt, commit, machine, entrants }: RunRecord): string {
  const at = `${takenAt.slice(0, 16).replace('T', ' ')} UTC${commit ? `, commit ${commit}` : ''}`
  const rounds = entrants[0]?.samples.length ?? 0
  return `- \`${suite}\` (${at}, ${rounds} rounds, load average ${machine.load.toFixed(1)}): **${title}.** ${load}`
}

function toRange({ min, max }: Spread): string {
  return `${min.toFixed(2)}–${max.toFixed(2)}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const toRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [toRow(head), toRow(head.map(() => '---')), ...rows.map(toRow)].join('\n')
}

const METHOD = [
  '- **CPU for a unit of work** is user and system time of each server process from the operating system, Redis and the store included where it says so. Wall-clock rates on a machine that others use too are noise; CPU time is not.',
  '- **Open loop**: everything is sent when it is due, whatever became of what was sent before, and latency counts from when it was due.',
  '- **Rounds**: each entrant once a round, forwards and backwards in turn, after a round that is not counted, with fresh processes each time. Where the load of a round is cut into slices (control message, token stream, acknowledgement, slow readers, long logs), the entrants take their slices in turn, without a round that is not counted; a round is then the median of its slices, and the worst of them in what is told at most.',
  `- **Inconclusive** is a range that lies on both sides of ${1 - NOISE} or of ${1 + NOISE}. **Struck out** is an entrant that lost, doubled or misplaced a message, or that the load client was the bound of (over 0.8 of a core).`,
  '- Servers run on one core; Redis, the store and the load client on the other. No TLS, no compression, the same payloads for all.',
].join('\n')
