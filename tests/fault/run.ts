// `npm run test:faults -- --profile smoke|ci|soak|standalone [--seed N] [--without SAFETY]
// [--only KIND,KIND] [--seconds N] [--out FOLDER] [--report]`: runs the product under faults, says
// what it was found guilty of, and counts the checks on the last line. Exit code 1 when one of them
// found anything. With `--controls` it runs the profile `control` instead, as the product is and
// without each safety, and ends with 1 unless that is green and all others are red. `--report` puts
// the records into docs/reports and writes the report there anew.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { endOnSignal } from '../../scripts/servers/end-on-signal.ts'
import { endWithParent } from '../../scripts/end-with-parent.ts'
import { SAFETIES, type RunRecord } from './history.ts'
import { PROFILES, type ProfileName } from './profiles.ts'
import { writeFaultReport } from './report/write-fault-report.ts'
import { runFaults, type FaultRunOptions } from './run-faults.ts'
import { runControls } from './unsafe/run-controls.ts'

const REPORTS = fileURLToPath(new URL('../../docs/reports', import.meta.url))

interface Command {
  run: FaultRunOptions
  isControls: boolean
  isReport: boolean
}

function readArguments(args: string[]): Command {
  const { values } = parseArgs({
    args,
    options: {
      profile: { type: 'string', default: 'smoke' },
      seed: { type: 'string' },
      without: { type: 'string' },
      only: { type: 'string' },
      seconds: { type: 'string' },
      out: { type: 'string' },
      controls: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
    },
  })
  const profile = Object.keys(PROFILES).find((name) => name === values.profile)
  if (!profile) throw new Error(`--profile is one of ${Object.keys(PROFILES).join(', ')}`)
  const without = SAFETIES.find((name) => name === values.without)
  if (values.without && !without) throw new Error(`--without is one of ${SAFETIES.join(', ')}`)
  const run: FaultRunOptions = {
    profile: profile as ProfileName,
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    folder: values.out ?? '',
    report: (line) => void process.stdout.write(`${line}\n`),
    ...(without ? { without } : {}),
    ...(values.only ? { only: values.only.split(',') } : {}),
    ...(values.seconds ? { durationMs: Number(values.seconds) * 1000 } : {}),
  }
  return { run, isControls: values.controls, isReport: values.report }
}

function summarise(record: RunRecord, report: (line: string) => void): void {
  const { checks, nemeses, operations } = record
  for (const { kind, done, failed, skipped } of nemeses) {
    report(`${kind}: ${skipped ?? `${done} done${failed ? `, ${failed} FAILED` : ''}`}`)
  }
  report(JSON.stringify(operations))
  report(JSON.stringify(checks.looked))
  for (const note of record.notes) report(note)
  for (const { check, message } of checks.findings) report(`${check}: ${message}`)
  report(JSON.stringify(checks.counts))
}

async function runOnce(options: FaultRunOptions): Promise<RunRecord[]> {
  const { report, profile, seed, folder } = options
  report(`profile ${profile}, seed ${seed}, ${folder}`)
  const record = await runFaults(options)
  summarise(record, report)
  const checks = Object.values(record.checks.counts)
  const found = checks.reduce((sum, count) => sum + count, 0)
  const passed = checks.filter((count) => count === 0).length
  report(found === 0 ? 'no findings' : `${found} findings`)
  report(`${passed} passed, ${checks.length - passed} failed`)
  if (found > 0) process.exitCode = 1
  return [record]
}

async function runAllControls(options: FaultRunOptions): Promise<RunRecord[]> {
  const { records, isProven } = await runControls(options)
  if (!isProven) process.exitCode = 1
  return records
}

endWithParent()
endOnSignal()
const { run, isControls, isReport } = readArguments(process.argv.slice(2))
run.folder ||= await mkdtemp(
  join(tmpdir(), `chatbox-faults-${isControls ? 'controls' : run.profile}-`),
)
const records = isControls ? await runAllControls(run) : await runOnce(run)
if (isReport) await writeFaultReport(records, REPORTS)
