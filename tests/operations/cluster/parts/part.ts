import type { Checks } from '../checks.ts'
import type { KubeApi } from '../kube/api.ts'
import type { Certificate } from '../load/certificate.ts'
import type { ChartRecord } from '../report/write-chart-report.ts'
import type { Secrets } from '../release.ts'

/** What every part of the proof has. */
export interface Proof {
  checks: Checks
  api: KubeApi
  secrets: Secrets
  /** Of the model server; the workers trust it. */
  certificate: Certificate
  /** Gets the history of the load. */
  folder: string
  report: (line: string) => void
  /** For the report, filled by the parts. */
  record: Partial<ChartRecord>
}
