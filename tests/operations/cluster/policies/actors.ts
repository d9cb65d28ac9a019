import { setTimeout as sleep } from 'node:timers/promises'
import { apply, kubectl } from '../kube/run.ts'
import { isReady, listPods, toIdlePod, type Pod } from '../kube/pods.ts'
import {
  CONTROLLER_LABELS,
  INTERNET,
  NAMESPACE,
  PROMETHEUS_LABELS,
  RELEASE,
  selectorOf,
} from '../world.ts'
import { IDLE_COMMAND, type Target } from './connect.ts'

/** A pod that tries to connect. */
export interface Actor {
  name: string
  pod: { namespace: string; name: string; container?: string }
}

interface Stranger {
  name: string
  namespace: string
  labels: Record<string, string>
}

const OTHER = { 'app.kubernetes.io/name': 'other' }
/** As the chart labels its own test pod, whose policy lets it reach the gateways. */
const TEST_LABELS = {
  'app.kubernetes.io/name': 'chatbox',
  'app.kubernetes.io/instance': RELEASE,
  'app.kubernetes.io/component': 'test',
}

/** Pods that the proof makes: right in both ways, in one, in none, and with labels of their own choice. */
const STRANGERS: readonly Stranger[] = [
  { name: 'ingress, right label', namespace: 'ingress', labels: CONTROLLER_LABELS },
  { name: 'ingress, other label', namespace: 'ingress', labels: OTHER },
  { name: 'elsewhere, ingress label', namespace: 'evil', labels: CONTROLLER_LABELS },
  { name: 'elsewhere, other label', namespace: 'evil', labels: OTHER },
  { name: 'own namespace, ingress label', namespace: NAMESPACE, labels: CONTROLLER_LABELS },
  { name: 'monitoring, right label', namespace: 'monitoring', labels: PROMETHEUS_LABELS },
  { name: 'monitoring, other label', namespace: 'monitoring', labels: OTHER },
  { name: 'elsewhere, monitoring label', namespace: 'evil', labels: PROMETHEUS_LABELS },
  { name: 'own namespace, monitoring label', namespace: NAMESPACE, labels: PROMETHEUS_LABELS },
  { name: 'test', namespace: NAMESPACE, labels: TEST_LABELS },
]
const COMPONENTS = ['gateway', 'worker', 'redis', 'mongodb'] as const
type Component = (typeof COMPONENTS)[number]

const READY_TIMEOUT_S = 60
const POLL_MS = 200

/** Somebody in the cluster who has nothing to do with the product, and listens. */
function toListener(): object {
  const at = { namespace: 'evil', name: 'listener', labels: { target: 'stranger' } }
  const env = [{ name: 'PORT', value: '443' }]
  return toIdlePod(at, { image: 'lab/probe:1', command: ['/probe', 'serve'], env })
}

/** The strangers and one pod of each component, each of which has Node to try connections with. */
export async function createActors(image: string): Promise<Actor[]> {
  const made = STRANGERS.map(({ name, namespace, labels }, index) => {
    return { name, pod: { namespace, name: `actor-${index}` }, labels }
  })
  const pods = made.map(({ pod, labels }) =>
    toIdlePod({ ...pod, labels }, { image, command: IDLE_COMMAND }),
  )
  await apply({ apiVersion: 'v1', kind: 'List', items: [...pods, toListener()] })
  for (const namespace of new Set(made.map(({ pod }) => pod.namespace))) {
    const names = made.filter(({ pod }) => pod.namespace === namespace)
    const ready = ['wait', '--for=condition=Ready', `--timeout=${READY_TIMEOUT_S}s`]
    const listener = namespace === 'evil' ? ['pod/listener'] : []
    const all = [...names.map(({ pod }) => `pod/${pod.name}`), ...listener]
    await kubectl([...ready, '-n', namespace, ...all])
  }
  const own = await Promise.all(COMPONENTS.map((component) => toActor(component, image)))
  return [...made.map(({ name, pod }) => ({ name, pod })), ...own]
}

export async function removeActors(): Promise<void> {
  for (const namespace of new Set(STRANGERS.map((stranger) => stranger.namespace))) {
    const names = STRANGERS.flatMap((stranger, index) =>
      stranger.namespace === namespace ? [`pod/actor-${index}`] : [],
    )
    await kubectl(['delete', '-n', namespace, '--ignore-not-found', '--force', ...names])
  }
}

/** A gateway and a worker have Node; a store gets a second container beside its own, on its address. */
async function toActor(component: Component, image: string): Promise<Actor> {
  const pod = await firstOf(component)
  const { name } = pod.metadata
  if (component === 'gateway' || component === 'worker') {
    return { name: component, pod: { namespace: NAMESPACE, name, container: component } }
  }
  const container = 'actor'
  const place = ['--namespace', NAMESPACE, `pod/${name}`, `--container=${container}`]
  const kind = [`--image=${image}`, '--profile=restricted', '--image-pull-policy=IfNotPresent']
  await kubectl(['debug', ...place, ...kind, '--attach=false', '--', ...IDLE_COMMAND])
  await waitForContainer(name, container)
  return { name: component, pod: { namespace: NAMESPACE, name, container } }
}

async function waitForContainer(pod: string, container: string): Promise<void> {
  const state = `{.status.ephemeralContainerStatuses[?(@.name=="${container}")].state.running}`
  const deadline = performance.now() + READY_TIMEOUT_S * 1000
  const command = ['get', 'pod', '-n', NAMESPACE, pod, `--output=jsonpath=${state}`]
  while ((await kubectl(command)) === '') {
    if (performance.now() > deadline) throw new Error(`${pod} got no container to try from`)
    await sleep(POLL_MS)
  }
}

async function firstOf(component: Component): Promise<Pod> {
  const pods = await listPods(NAMESPACE, selectorOf(component))
  const ready = pods.find(isReady)
  if (!ready) throw new Error(`there is no ready pod of ${component}`)
  return ready
}

/** Every port of the product, and what its pods may want of the world. */
export async function findTargets(): Promise<Target[]> {
  const [gateways, workers, redis, mongodb, elsewhere] = await Promise.all([
    listPods(NAMESPACE, selectorOf('gateway')),
    listPods(NAMESPACE, selectorOf('worker')),
    listPods(NAMESPACE, selectorOf('redis')),
    listPods(NAMESPACE, selectorOf('mongodb')),
    listPods('evil', 'target=stranger'),
  ])
  const tcp = (name: string, host: string | undefined, port: number): Target => {
    if (host === undefined) throw new Error(`there is no pod for ${name}`)
    return { name, host, port, protocol: 'tcp' }
  }
  // The last ones: the first ones are actors, and a pod may always reach itself.
  return [
    tcp('gateway:8080', gateways.at(-1)?.status.podIP, 8080),
    tcp('gateway:9090', gateways.at(-1)?.status.podIP, 9090),
    tcp('worker:9090', workers.at(-1)?.status.podIP, 9090),
    tcp('redis:6379', redis.at(-1)?.status.podIP, 6379),
    tcp('mongodb:27017', mongodb.at(-1)?.status.podIP, 27_017),
    { name: 'dns:53/udp', host: '10.96.0.10', port: 53, protocol: 'udp' },
    tcp('dns:53/tcp', '10.96.0.10', 53),
    tcp('internet:443', INTERNET, 443),
    tcp('internet:25', INTERNET, 25),
    tcp('api:443', '10.96.0.1', 443),
    // A private address on the very port that models are allowed on.
    tcp('stranger:443', elsewhere.at(-1)?.status.podIP, 443),
  ]
}
