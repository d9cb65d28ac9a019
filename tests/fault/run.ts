import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endOnSignal } from '../environment/servers/child.ts'
import { endWithParent } from '../../scripts/end-with-parent.ts'
import { readOptions, refuseUsage } from '../../scripts/read-options.ts'
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

function readCommand(): Command {
  const { values } = readOptions({
    usage: 'npm run test:faults --',
    about:
      'Runs the product under faults, says what it was found guilty of, and counts the checks on the last line. Exit code 1 when one of them found anything.',
    options: {
      profile: {
        type: 'string',
        default: 'smoke',
        value: Object.keys(PROFILES),
        about: 'how long, which faults and which shape',
      },
      seed: { type: 'string', value: 'N', about: 'of everything random in the run' },
      without: { type: 'string', value: SAFETIES, about: 'leaves a safety out of the product' },
      with: {
        type: 'string',
        value: 'COMMIT',
        about: 'runs every second gateway and worker from that commit',
      },
      only: { type: 'string', value: 'KIND,KIND', about: 'only faults of these kinds' },
      seconds: { type: 'string', value: 'N', about: 'instead of the time of the profile' },
      out: { type: 'string', value: 'FOLDER', about: 'where logs and records go' },
      controls: {
        type: 'boolean',
        default: false,
        about:
          'runs the profile control, as the product is and without each safety: all but the first have to be red',
      },
      report: {
        type: 'boolean',
        default: false,
        about: 'puts the records into docs/reports and writes the report there anew',
      },
    },
  })
  const run: FaultRunOptions = {
    // The options allow no other word.
    profile: values.profile as ProfileName,
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    folder: values.out ?? '',
    report: (line) => void process.stdout.write(`${line}\n`),
    ...readVersions(values),
    ...(values.only ? { only: values.only.split(',') } : {}),
    ...(values.seconds ? { durationMs: Number(values.seconds) * 1000 } : {}),
  }
  return { run, isControls: values.controls, isReport: values.report }
}

/** The programs that replace the unchanged product. */
function readVersions(values: {
  profile: string
  without?: string
  with?: string
}): Pick<FaultRunOptions, 'without' | 'with'> {
  const without = SAFETIES.find((name) => name === values.without)
  if (!values.with) return without ? { without } : {}
  if (without || values.profile === 'standalone') {
    refuseUsage('--with goes with a profile of a cluster, and not with --without')
  }
  return { with: values.with }
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
const { run, isControls, isReport } = readCommand()
run.folder ||= await mkdtemp(
  join(tmpdir(), `chatbox-faults-${isControls ? 'controls' : run.profile}-`),
)
const records = isControls ? await runAllControls(run) : await runOnce(run)
if (isReport) await writeFaultReport(records, REPORTS)
