// Started by run.ts in the cluster's network: runs the parts of the proof one after the other.
import { endWithParent } from '../../../scripts/end-with-parent.ts'
import { setPriority } from 'node:os'
import { dirname } from 'node:path'
import { createChecks } from './checks.ts'
import { openKubeApi } from './kube/api.ts'
import { makeCertificate } from './load/certificate.ts'
import { proveAutoscaling } from './parts/autoscaling.ts'
import { proveEviction } from './parts/eviction.ts'
import { proveInstall } from './parts/install.ts'
import type { Proof } from './parts/part.ts'
import { provePolicies } from './parts/policies.ts'
import { proveRemoval } from './parts/removal.ts'
import { proveUpgrade } from './parts/upgrade.ts'
import { writeChartReport } from './report/write-chart-report.ts'
import { PARTS, type Part, type ProofOptions } from './proof-options.ts'
import { createSecrets, prepareNamespaces } from './release.ts'
import { MODEL_ADDRESS } from './world.ts'

const PRIORITY = -5

const STEPS: Record<Part, (proof: Proof) => Promise<void>> = {
  install: proveInstall,
  policies: provePolicies,
  autoscaling: proveAutoscaling,
  upgrade: proveUpgrade,
  eviction: proveEviction,
  removal: proveRemoval,
}

/** Whoever measures does not wait for its turn: that would count as the cluster's slowness. */
function goFirst(): void {
  try {
    setPriority(PRIORITY)
  } catch {
    // Not allowed here: what is measured says more about a busy machine then.
  }
}

endWithParent()
goFirst()
// Written by run.ts.
const options = JSON.parse(process.argv[2] ?? '{}') as ProofOptions
const report = (line: string): void => void process.stdout.write(`${line}\n`)
const checks = createChecks(report)
const secrets = createSecrets()
const certificate = await makeCertificate(MODEL_ADDRESS)
const api = await openKubeApi(dirname(process.env.KUBECONFIG ?? ''))
const { folder } = options
const proof: Proof = { checks, api, secrets, certificate, folder, report, record: {} }
await prepareNamespaces(secrets, certificate.cert)
for (const part of PARTS) {
  // The others need something that is installed.
  if (part !== 'install' && !options.only.includes(part)) continue
  report(`== ${part}`)
  try {
    await STEPS[part](proof)
  } catch (error) {
    await checks.check(`${part} to its end`, () => {
      throw error
    })
  }
}
api.close()
if (options.isReport) await writeChartReport(proof.record, checks.results)
report(`${checks.passed} passed, ${checks.failed} failed`)
process.exit(checks.failed > 0 ? 1 : 0)
