import type { CheckReport } from '../../../fault/history.ts'
import type { Matrix } from '../policies/meant.ts'
import type { Mark, Sample } from './timeline.ts'

/** What the proof measured, by part. */
export interface ChartRecord {
  /** Seconds from `helm install` to everything ready, images present. */
  installS: number
  matrix: { meant: Matrix; orExtra: string[] }
  autoscaling: { samples: Sample[]; marks: Mark[]; upS: number; stepsDownS: number[] }
  upgrade: UpgradeRecord
}

export interface UpgradeRecord {
  samples: Sample[]
  marks: Mark[]
  sockets: number
  /** Seconds from `helm upgrade` until the last pod of the version before was gone. */
  tookS: number
  reconnects: { total: number; mostInASecond: number; perSecond: number[] }
  answers: { finished: number; longestPauseMs: number }
  checks: Pick<CheckReport, 'counts' | 'looked'>
}

/** Throws where a part did not run: a report tells of a whole run. */
export function toWhole(record: Partial<ChartRecord>): ChartRecord {
  const { installS, matrix, autoscaling, upgrade } = record
  if (installS === undefined || !matrix || !autoscaling || !upgrade) {
    throw new Error('the report needs every part to have come to its end')
  }
  return { installS, matrix, autoscaling, upgrade }
}
