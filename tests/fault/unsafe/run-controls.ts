import { join } from 'node:path'
import type { RunRecord, Safety } from '../history.ts'
import { runFaults, type FaultRunOptions } from '../run-faults.ts'
import { CONTROLS } from './controls.ts'

export type ControlRunOptions = Pick<FaultRunOptions, 'seed' | 'folder' | 'report' | 'durationMs'>

/**
 * Does the same run once with the unchanged product, which must have no findings, and once without
 * each safety, which must have some. Returns all records and whether both held.
 */
export async function runControls(
  options: ControlRunOptions,
): Promise<{ records: RunRecord[]; isProven: boolean }> {
  const { report } = options
  const safe = await runOne(options)
  const records = [safe]
  let isProven = isGreen(safe)
  report(`with everything in its place: ${describe(safe)}`)
  for (const { without, expects } of CONTROLS) {
    const unsafe = await runOne(options, without)
    records.push(unsafe)
    const isFound = expects.some((name) => unsafe.checks.counts[name] > 0)
    isProven &&= isFound
    report(`without ${without}: ${describe(unsafe)}${isFound ? '' : ': NOT WHAT HAD TO BE FOUND'}`)
  }
  return { records, isProven }
}

function runOne(options: ControlRunOptions, without?: Safety): Promise<RunRecord> {
  const name = without ? `without-${without}` : 'safe'
  return runFaults({
    ...options,
    profile: 'control',
    folder: join(options.folder, name),
    report: (line) => options.report(`${name}: ${line}`),
    ...(without ? { without } : {}),
  })
}

function isGreen({ checks }: RunRecord): boolean {
  return Object.values(checks.counts).every((count) => count === 0)
}

function describe({ checks }: RunRecord): string {
  const found = Object.entries(checks.counts).filter(([, count]) => count > 0)
  return found.map(([name, count]) => `${count} ${name}`).join(', ') || 'nothing found'
}
