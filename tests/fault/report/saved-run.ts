import type { CheckReport, Finding, RunRecord } from '../history.ts'

export interface Durations {
  /** The number of values. `sortedMs` may contain fewer with the same distribution. */
  count: number
  sortedMs: number[]
}

/**
 * The part of a run that is kept for the report: small enough for a repository, and without data
 * about this machine.
 */
export interface SavedRun extends Omit<RunRecord, 'checks' | 'notes'> {
  checks: Omit<CheckReport, 'durationsMs' | 'findings'> & {
    /** A few findings of each check. */
    findings: Finding[]
    durations: Record<string, Durations>
  }
}

const VALUES_KEPT = 401
const FINDINGS_KEPT = 3

export function toSavedRun({ checks, notes: _, ...record }: RunRecord): SavedRun {
  const { durationsMs, findings, ...rest } = checks
  const durations = Object.entries(durationsMs).map(([name, values]): [string, Durations] => {
    return [name, { count: values.length, sortedMs: thin(values, VALUES_KEPT) }]
  })
  return {
    ...record,
    checks: {
      ...rest,
      findings: keepFew(findings),
      durations: Object.fromEntries(durations),
    },
  }
}

function keepFew(findings: readonly Finding[]): Finding[] {
  const kept = new Map<string, number>()
  return findings.filter(({ check }) => {
    const count = (kept.get(check) ?? 0) + 1
    kept.set(check, count)
    return count <= FINDINGS_KEPT
  })
}

/** Returns the name of a run in the report and on disk. */
export function nameOf({ profile, seed, without, beside, only }: SavedRun): string {
  const focus = only ? `-${only.join('+')}` : ''
  const versions = beside ? `-with-${beside}` : ''
  return `${profile}${focus}${versions}${without ? `-without-${without}` : ''}-${seed}`
}

export function countFindings({ checks }: SavedRun): number {
  return Object.values(checks.counts).reduce((sum, count) => sum + count, 0)
}

export function countFaults({ nemeses }: SavedRun): number {
  return nemeses.reduce((sum, { done }) => sum + done, 0)
}

export function countKinds({ nemeses }: SavedRun): number {
  return nemeses.filter(({ done }) => done > 0).length
}

/** Returns the value that a share of all values does not exceed. `sorted` is not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))
  return sorted[index] ?? Number.NaN
}

/**
 * Returns at most `count` values with the same distribution, including the smallest and largest.
 */
export function thin(values: readonly number[], count: number): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length <= count) return sorted
  return Array.from({ length: count }, (_, index) => {
    return sorted[Math.round((index / (count - 1)) * (sorted.length - 1))] ?? 0
  })
}
