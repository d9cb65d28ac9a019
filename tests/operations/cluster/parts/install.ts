import { apply, kubectl, RunError } from '../kube/run.ts'
import { listPods, toIdlePod, type Pod } from '../kube/pods.ts'
import { IDLE_COMMAND } from '../policies/connect.ts'
import { upgrade } from '../release.ts'
import { NAMESPACE, selectorOf } from '../world.ts'
import { IMAGE } from '../../support/docker.ts'
import type { Proof } from './part.ts'

/** Whatever is open stays open: what the policies close is seen by closing it later. */
const WITHOUT_POLICIES = { 'networkPolicy.enabled': false }

const NODE = '/usr/local/bin/node'
const STATUS = `
const fs = require('node:fs')
const status = fs.readFileSync('/proc/self/status', 'utf8')
const read = (name) => new RegExp('^' + name + ':\\\\s+(\\\\S+)', 'm').exec(status)[1]
let root = 'writable'
try { fs.writeFileSync('/x', 'x') } catch (error) { root = error.code }
console.log(JSON.stringify({ uid: read('Uid'), capabilities: read('CapEff'), seccomp: read('Seccomp'),
  noNewPrivileges: read('NoNewPrivs'), root }))
`

/** Into a namespace that admits restricted pods alone. */
export async function proveInstall({ checks, record }: Proof): Promise<void> {
  await checks.check('a pod that is not restricted is refused', refuseUnrestricted)
  await checks.check('helm install', async () => {
    const startedAt = performance.now()
    await upgrade(WITHOUT_POLICIES)
    record.installS = Math.round((performance.now() - startedAt) / 100) / 10
    return `everything ready in ${record.installS} s`
  })
  for (const component of ['gateway', 'worker'] as const) {
    await checks.check(`${component}: no rights, and nothing to write to`, async () => {
      const [pod] = await listPods(NAMESPACE, selectorOf(component))
      return checkRights(pod?.metadata.name ?? '')
    })
  }
  await checks.check('the migration ran before each process', async () => {
    const pods = await listPods(NAMESPACE, 'app.kubernetes.io/component in (gateway,worker)')
    const codes = pods.flatMap(migrationCodes)
    if (codes.length !== pods.length || codes.some((code) => code !== 0)) {
      throw new Error(`exit codes ${codes.join(', ')} in ${pods.length} pods`)
    }
    return `exit code 0 in ${codes.length} pods`
  })
}

async function refuseUnrestricted(): Promise<string> {
  const at = { namespace: NAMESPACE, name: 'bad', labels: {} }
  const pod = toIdlePod(at, { image: IMAGE, command: IDLE_COMMAND }) as { spec: object }
  const spec = { ...pod.spec, securityContext: { runAsNonRoot: true, runAsUser: 10001 } }
  const refusal = await apply({ ...pod, spec }).then(
    () => '',
    (error: unknown) => (error instanceof RunError ? error.output : String(error)),
  )
  if (!refusal.includes('violates PodSecurity')) throw new Error(refusal || 'it was admitted')
  return 'without seccomp'
}

async function checkRights(pod: string): Promise<string> {
  const text = await kubectl(['exec', '-n', NAMESPACE, pod, '--', NODE, '-e', STATUS])
  const found = text.trim()
  const wanted = JSON.stringify({
    uid: '10001',
    capabilities: '0000000000000000',
    seccomp: '2',
    noNewPrivileges: '1',
    root: 'EROFS',
  })
  if (found !== wanted) throw new Error(found)
  return 'uid 10001, no capabilities, seccomp, no new privileges, read-only root'
}

function migrationCodes({ status }: Pod): number[] {
  return (status.initContainerStatuses ?? []).flatMap(({ state }) => {
    return state?.terminated ? [state.terminated.exitCode] : []
  })
}
