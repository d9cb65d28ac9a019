import { join } from 'node:path'
import type { RunRecord } from '../history.ts'
import { runFaults } from '../run-faults.ts'
import { CONTROLS, type Control } from './controls.ts'

export interface ControlRunOptions {
  seed: number
  /** Gets a folder for each run. */
  folder: string
  report: (line: string) => void
  /** Of which safeties; of all of them without it. */
  only?: readonly string[]
}

export interface ControlOutcome {
  control: Control
  /** The same run with everything in its place. */
  safe: RunRecord
  unsafe: RunRecord
  /** With the safety nothing was found, without it what had to be. */
  isProven: boolean
}

/** Each control twice: as the product is, and without the one safety. */
export async function runControls(options: ControlRunOptions): Promise<ControlOutcome[]> {
  const outcomes: ControlOutcome[] = []
  const wanted = CONTROLS.filter(({ without }) => options.only?.includes(without) ?? true)
  for (const control of wanted) {
    const safe = await runOne(options, control, true)
    const unsafe = await runOne(options, control, false)
    const isProven = isGreen(safe) && control.expects.some((name) => unsafe.checks.counts[name] > 0)
    outcomes.push({ control, safe, unsafe, isProven })
    const verdict = isProven ? 'proven' : 'NOT PROVEN'
    options.report(`${control.without}: ${describe(safe)} with it, ${describe(unsafe)} without`)
    options.report(`${control.without}: ${verdict}`)
  }
  return outcomes
}

function runOne(
  { seed, folder, report }: ControlRunOptions,
  { without, only, changes }: Control,
  isSafe: boolean,
): Promise<RunRecord> {
  const name = `${without}-${isSafe ? 'on' : 'off'}`
  return runFaults({
    profile: 'control',
    seed,
    only,
    changes,
    folder: join(folder, name),
    report: (line) => report(`${name}: ${line}`),
    ...(isSafe ? {} : { without }),
  })
}

function isGreen({ checks }: RunRecord): boolean {
  return Object.values(checks.counts).every((count) => count === 0)
}

function describe({ checks }: RunRecord): string {
  const found = Object.entries(checks.counts).filter(([, count]) => count > 0)
  return found.map(([name, count]) => `${count} ${name}`).join(', ') || 'nothing found'
}
