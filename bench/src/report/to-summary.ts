import { judgeTargets } from '../compare/judge.ts'
import { NOISE, toRatios, toVerdict, type Spread } from '../compare/ratios.ts'
import type { RunRecord } from '../compare/run-comparison.ts'

/** The head of the report: how it is measured, on what, and every figure beside what it should be. */
export function toSummary(records: readonly RunRecord[], suites: readonly string[]): string {
  return [
    '# Benchmark',
    'Made by `npm run bench -- --suite NAME --profile full --save` from the records in [`bench/`](bench/); `npm run bench -- --report` writes it again from them.',
    toMachine(records),
    '## Figures',
    toFigures(records),
    ...toMissing(records, suites),
    '## How it is measured',
    METHOD,
    '## Resolution',
    toResolution(records),
  ].join('\n\n')
}

const METHOD = [
  '- **CPU for a unit of work** is user and system time of each server process from the operating system, Redis and the store included where it says so. Wall-clock rates on a machine that others use too are noise; CPU time is not.',
  '- **Open loop**: everything is sent when it is due, whatever became of what was sent before, and latency counts from when it was due.',
  '- **Rounds**: each entrant once a round, forwards and backwards in turn, after a round that is not counted, with fresh processes each time. Where the load of a round is cut into slices (control message, token stream, acknowledgement, slow readers, long logs), the entrants take their slices in turn, without a round that is not counted; a round is then the median of its slices, and the worst of them in what is told at most. In the first three all are open at once and warm up by themselves. A ratio is the median of the ratios of each round, with the lowest and the highest.',
  `- **Inconclusive** is a range that lies on both sides of ${1 - NOISE} or of ${1 + NOISE}.`,
  '- **Struck out** is whoever lost, doubled or misplaced a message, and whatever the load client itself was the bound of (over 0.8 of a core).',
  '- Servers run on one core; Redis, the store and the load client on the other. No TLS, no compression, the same payloads for all.',
  '- Every name with a minus is a build of the product without that part: the difference is what the part costs.',
].join('\n')

function toMachine(records: readonly RunRecord[]): string {
  const machine = records[0]?.machine
  if (!machine) return 'Nothing was measured.'
  const { processor, cores, memoryGb, kernel, node } = machine
  return `Machine: ${processor}, ${cores} cores, ${memoryGb} GB, Linux ${kernel}, Node.js ${node}. Compare ratios, never amounts: the load average of the machine stands with each suite.`
}

function toFigures(records: readonly RunRecord[]): string {
  const rows = records.flatMap((record) =>
    judgeTargets(record).map(({ target, spread, reached }) => {
      const figure = `${spread.median.toFixed(2)} | ${toRange(spread)}`
      const verdict = reached ? 'yes' : '**no**'
      // What stands for itself is not held against the baseline.
      const noise = target.kind === 'value' ? '' : describeNoise(record, target.metric)
      return `| ${target.text} | ≤ ${target.reach} | ${figure} | ${verdict} | ${noise} |`
    }),
  )
  const heads = ['Figure', 'Reach', 'Median', 'Range', 'Reached', 'The baseline against itself']
  return [`| ${heads.join(' | ')} |`, `|${' --- |'.repeat(heads.length)}`, ...rows].join('\n')
}

/** Where the same thing twice is not the same, nothing finer than that can be told from the run. */
function describeNoise(record: RunRecord, metric: string): string {
  const ratios = toNullRatios(record, metric)
  if (!ratios) return ''
  const isCoarse = toVerdict(ratios) !== 'same'
  return `${ratios.median.toFixed(2)} (${toRange(ratios)})${isCoarse ? ': **too coarse to tell**' : ''}`
}

function toNullRatios(record: RunRecord, metric: string): Spread | undefined {
  const find = (name: string | undefined) => record.entrants.find((each) => each.name === name)
  const [own, base] = [find(record.nullEntrant), find(record.baseline)]
  return own && base ? toRatios(own.samples, base.samples, metric) : undefined
}

function toRange({ min, max }: Spread): string {
  return `${min.toFixed(2)}–${max.toFixed(2)}`
}

function toMissing(records: readonly RunRecord[], suites: readonly string[]): string[] {
  const missing = suites.filter((suite) => records.every((record) => record.suite !== suite))
  if (missing.length === 0) return []
  return [`Not measured for this report: ${missing.map((suite) => `\`${suite}\``).join(', ')}.`]
}

/** What the same thing measured twice comes to. */
function toResolution(records: readonly RunRecord[]): string {
  const rows = records.flatMap((record) => {
    const metric = record.metrics.find(({ compared }) => compared)
    const ratios = metric && toNullRatios(record, metric.name)
    if (!ratios) return []
    const { median } = ratios
    const range = toRange(ratios)
    return [`| ${record.title} | ${metric.name} | ${median.toFixed(2)} | ${range} |`]
  })
  return [
    'The baseline against itself, which would print 1.00 on a machine without noise:',
    ['| Suite | Metric | Median | Range |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n')
}
