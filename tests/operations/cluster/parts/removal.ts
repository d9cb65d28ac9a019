import { helm, kubectl } from '../kube/run.ts'
import { listPods } from '../kube/pods.ts'
import { IMAGE } from '../../support/docker.ts'
import { NEXT_TAG } from '../images.ts'
import { upgrade } from '../release.ts'
import { waitFor } from '../wait-for.ts'
import { NAMESPACE, RELEASE, selectorOf } from '../world.ts'
import { stopMonitoring } from './monitoring.ts'
import type { Proof } from './part.ts'

const KINDS = [
  ...['deployments', 'statefulsets', 'pods', 'services', 'serviceaccounts', 'configmaps'],
  ...['horizontalpodautoscalers', 'poddisruptionbudgets', 'networkpolicies', 'secrets'],
]

/** Back to what was, and away. */
export async function proveRemoval({ checks }: Proof): Promise<void> {
  await checks.check('an upgrade to an image that is not there goes back by itself', async () => {
    await upgrade({ 'image.tag': NEXT_TAG })
    const broken = upgrade({ 'image.tag': 'absent' }, ['--timeout', '12s', '--rollback-on-failure'])
    const outcome = await broken.then(
      () => 'it succeeded',
      () => undefined,
    )
    if (outcome) throw new Error(outcome)
    return checkImage(`:${NEXT_TAG}`)
  })
  await checks.check('helm rollback to the version before', async () => {
    const first = await findRevisionOf(IMAGE)
    const wait = ['--wait', '--timeout', '120s', '--force-conflicts']
    await helm(['rollback', RELEASE, first, '--namespace', NAMESPACE, ...wait])
    return checkImage(IMAGE.slice(IMAGE.lastIndexOf(':')))
  })
  await checks.check('helm uninstall leaves nothing', async () => {
    await stopMonitoring()
    await helm(['uninstall', RELEASE, '--namespace', NAMESPACE, '--wait', '--timeout', '120s'])
    await waitFor('an empty namespace', async () => (await listLeft()) === '')
    return 'but the Secret that was there before, and the pod of the last test'
  })
}

async function checkImage(ending: string): Promise<string> {
  await waitFor(`pods of ${ending}`, async () => {
    const pods = await listPods(NAMESPACE, selectorOf('gateway'))
    const images = new Set(pods.flatMap(({ spec }) => spec.containers.map(({ image }) => image)))
    return images.size === 1 && [...images].every((image) => image.endsWith(ending))
  })
  return `all gateways run ${ending.slice(1)}`
}

interface Revision {
  revision: number
  status: string
}

/** The latest revision whose pods have this image. */
async function findRevisionOf(image: string): Promise<string> {
  const at = [RELEASE, '--namespace', NAMESPACE]
  // Of the form that Helm documents.
  const history = JSON.parse(await helm(['history', ...at, '--output=json'])) as Revision[]
  for (const { revision } of history.reverse()) {
    const manifest = await helm(['get', 'manifest', ...at, '--revision', String(revision)])
    if (manifest.includes(`image: ${image}`)) return String(revision)
  }
  throw new Error(`no revision has ${image}`)
}

async function listLeft(): Promise<string> {
  // Helm leaves the pod of its last test, so that its log can be read.
  const selector = `app.kubernetes.io/instance=${RELEASE},app.kubernetes.io/component!=test`
  const command = ['get', KINDS.join(','), '-n', NAMESPACE, '--selector', selector]
  return (await kubectl([...command, '--output=name', '--ignore-not-found'])).trim()
}
