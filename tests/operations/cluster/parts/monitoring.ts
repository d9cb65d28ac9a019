import { fileURLToPath } from 'node:url'
import { kubectl } from '../kube/run.ts'

const RULES = fileURLToPath(
  new URL('../../../../helm/chatbox/files/adapter-rules.yaml', import.meta.url),
)
const STACK = fileURLToPath(new URL('../lab/metrics.yaml', import.meta.url))

/** Prometheus, and prometheus-adapter with the rule that the chart ships. Again where they run. */
export async function startMonitoring(): Promise<void> {
  const rules = ['create', 'configmap', 'adapter', '-n', 'monitoring', '--dry-run=client', '-oyaml']
  const map = await kubectl([...rules, `--from-file=config.yaml=${RULES}`])
  await kubectl(['apply', '--filename=-'], { input: map })
  await kubectl(['apply', `--filename=${STACK}`])
  for (const name of ['prometheus', 'adapter']) await waitForRollout('monitoring', name)
}

async function waitForRollout(namespace: string, deployment: string): Promise<void> {
  const rollout = ['rollout', 'status', '-n', namespace, `deployment/${deployment}`]
  await kubectl([...rollout, '--timeout=90s'])
}

/** A metrics API that is registered and gone keeps namespaces from ever being deleted. */
export async function stopMonitoring(): Promise<void> {
  const apis = ['v1beta1.custom.metrics.k8s.io', 'v1beta2.custom.metrics.k8s.io']
  await kubectl(['delete', '--ignore-not-found', 'apiservice', ...apis])
}
