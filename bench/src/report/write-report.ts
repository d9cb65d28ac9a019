import { readFile, writeFile } from 'node:fs/promises'
import { findStrikeOut, toSpreadOf } from '../compare/judge.ts'
import type { RunRecord } from '../compare/run-comparison.ts'
import { formatAmount } from '../compare/units.ts'
import { readRecords, RECORDS, REPORTS, writeFormatted } from './records.ts'
import { drawBars } from './svg.ts'
import { toSection } from './to-section.ts'
import { toSummary } from './to-summary.ts'

/** The order of the report; a suite that is not named comes last. */
const ORDER = ['control', 'tokens', 'ack', 'history', 'history-cluster', 'many-sessions', 'connect']

/** Writes `docs/reports/bench.md` and its plots from the records, and its notes. `suites` are those that there could be. */
export async function writeReport(suites: readonly string[]): Promise<void> {
  const place = ({ suite }: RunRecord): number => (ORDER.indexOf(suite) + 100) % 100
  const records = (await readRecords()).sort((a, b) => place(a) - place(b))
  for (const record of records) await writeFile(`${RECORDS}${record.suite}.svg`, drawRecord(record))
  const sections = await Promise.all(
    records.map(async (record) => toSection(record, await readNotes(record.suite))),
  )
  const text = [toSummary(records, suites), ...sections].join('\n\n')
  await writeFormatted(`${REPORTS}bench.md`, text)
}

/** What was found out about where the costs of a suite go, written by hand beside its record. */
async function readNotes(suite: string): Promise<string> {
  return readFile(`${RECORDS}${suite}.notes.md`, 'utf8').catch(() => '')
}

function drawRecord(record: RunRecord): string {
  const metric = record.metrics.find(({ compared }) => compared) ?? record.metrics[0]
  const { name, unit } = metric ?? { name: '', unit: 'count' }
  const target = record.targets.find((each) => each.metric === name)
  const bars = record.entrants.map((entrant) => {
    const spread = toSpreadOf(entrant, name)
    const strikeOut = findStrikeOut(entrant)
    const text = strikeOut ?? formatAmount(spread.median, unit)
    return { label: entrant.name, spread, text, faint: strikeOut !== undefined }
  })
  const baseline = bars.find(({ label }) => label === record.baseline)
  const mark =
    target?.kind === 'ratio' && baseline
      ? { at: target.reach * baseline.spread.median, text: `reach: ${target.reach} x` }
      : target?.kind === 'value'
        ? { at: target.reach, text: `reach: ${target.reach}` }
        : undefined
  return drawBars({ title: `${record.title}: ${name}`, bars, ...(mark ? { mark } : {}) })
}
