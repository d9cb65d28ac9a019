import { describe, expect, it } from '@jest/globals'
import { describeUnless } from '../../support/describe-unless.ts'
import { select, type Labels, type NetworkPolicy } from './support/manifest.ts'
import { mayConnect, type Endpoint, type Target } from './support/policy-evaluator.ts'
import { NAMESPACE, render } from './support/render.ts'
import { NO_TOOLS } from './support/tools.ts'

const CONTROLLER = { 'app.kubernetes.io/name': 'controller' }
const PROMETHEUS = { 'app.kubernetes.io/name': 'prometheus' }
const OTHER = { 'app.kubernetes.io/name': 'other' }

let pods = 0
function podIn(namespace: string, labels: Labels, portNames = {}): Endpoint {
  pods += 1
  const namespaceLabels = { 'kubernetes.io/metadata.name': namespace }
  return { address: `10.244.0.${pods}`, pod: { namespace, namespaceLabels, labels, portNames } }
}

function componentOf(component: string, portNames = {}): Endpoint {
  const labels = {
    'app.kubernetes.io/name': 'chatbox',
    'app.kubernetes.io/instance': 'rel',
    'app.kubernetes.io/component': component,
  }
  return podIn(NAMESPACE, labels, portNames)
}

const gateway = componentOf('gateway', { http: 8080, management: 9090 })
const worker = componentOf('worker', { management: 9090 })
const redis = componentOf('redis', { redis: 6379 })
const mongodb = componentOf('mongodb', { mongodb: 27_017 })
const dns = podIn('kube-system', { 'k8s-app': 'kube-dns' })

/** Who tries to connect. */
const ACTORS: Record<string, Endpoint> = {
  controller: podIn('ingress', CONTROLLER),
  "controller's namespace, other label": podIn('ingress', OTHER),
  "controller's label, other namespace": podIn('evil', CONTROLLER),
  "controller's label, own namespace": podIn(NAMESPACE, CONTROLLER),
  stranger: podIn('evil', OTHER),
  prometheus: podIn('monitoring', PROMETHEUS),
  "prometheus' namespace, other label": podIn('monitoring', OTHER),
  "prometheus' label, own namespace": podIn(NAMESPACE, PROMETHEUS),
  gateway: componentOf('gateway', { http: 8080, management: 9090 }),
  worker: componentOf('worker', { management: 9090 }),
  redis: componentOf('redis', { redis: 6379 }),
  mongodb: componentOf('mongodb', { mongodb: 27_017 }),
  test: componentOf('test'),
}

/** Every port of the product. */
const PORTS: Record<string, Target> = {
  'gateway:8080': { to: gateway, protocol: 'TCP', port: 8080 },
  'gateway:9090': { to: gateway, protocol: 'TCP', port: 9090 },
  'worker:9090': { to: worker, protocol: 'TCP', port: 9090 },
  'redis:6379': { to: redis, protocol: 'TCP', port: 6379 },
  'mongodb:27017': { to: mongodb, protocol: 'TCP', port: 27_017 },
}

/** What only the product's own pods are asked about: nobody else is ours to hold back. */
const WORLD: Record<string, Target> = {
  'dns:53/udp': { to: dns, protocol: 'UDP', port: 53 },
  'dns:53/tcp': { to: dns, protocol: 'TCP', port: 53 },
  'dns:9153': { to: dns, protocol: 'TCP', port: 9153 },
  'internet:443': { to: { address: '203.0.113.10' }, protocol: 'TCP', port: 443 },
  'internet:80': { to: { address: '203.0.113.10' }, protocol: 'TCP', port: 80 },
  'internet:25': { to: { address: '203.0.113.10' }, protocol: 'TCP', port: 25 },
  'api:443': { to: { address: '10.96.0.1' }, protocol: 'TCP', port: 443 },
  'cloud:443': { to: { address: '169.254.169.254' }, protocol: 'TCP', port: 443 },
  'stranger:443': { to: podIn('evil', OTHER), protocol: 'TCP', port: 443 },
}
const OWN = ['gateway', 'worker', 'redis', 'mongodb', 'test']

const MEANT_PORTS = [
  'controller > gateway:8080',
  'prometheus > gateway:9090',
  'prometheus > worker:9090',
  'gateway > redis:6379',
  'gateway > mongodb:27017',
  'worker > redis:6379',
  'worker > mongodb:27017',
  'test > gateway:8080',
]
const MEANT_WORLD = [
  'gateway > dns:53/udp',
  'gateway > dns:53/tcp',
  'worker > dns:53/udp',
  'worker > dns:53/tcp',
  'worker > internet:443',
  'test > dns:53/udp',
  'test > dns:53/tcp',
]

function openPairs(
  policies: readonly NetworkPolicy[],
  actors: readonly string[],
  targets: Readonly<Record<string, Target>>,
): string[] {
  return actors.flatMap((actor) =>
    Object.entries(targets)
      .filter(([, target]) => {
        const from = ACTORS[actor]
        return from !== undefined && mayConnect(policies, from, target)
      })
      .map(([name]) => `${actor} > ${name}`),
  )
}

function renderPolicies(): NetworkPolicy[] {
  return select(render('04-ingress-values.yaml'), 'NetworkPolicy')
}

/** The gateways' policy with the two conditions on the controller as peers of their own. */
function toOrForm(policies: readonly NetworkPolicy[]): NetworkPolicy[] {
  return policies.map((policy) => {
    if (policy.metadata.name !== 'rel-chatbox-gateway') return policy
    const ingress = policy.spec.ingress?.map((rule) => {
      const [peer] = rule.from ?? []
      if (!matchesController(peer?.podSelector?.matchLabels)) return rule
      const { namespaceSelector, podSelector } = peer ?? {}
      return { ...rule, from: [{ namespaceSelector }, { podSelector }] }
    })
    return { ...policy, spec: { ...policy.spec, ingress } }
  })
}

function matchesController(labels: Labels = {}): boolean {
  return labels['app.kubernetes.io/name'] === CONTROLLER['app.kubernetes.io/name']
}

describeUnless(NO_TOOLS)('connections', () => {
  const actors = Object.keys(ACTORS)

  it('to the ports of the product are those that were meant', () => {
    const open = openPairs(renderPolicies(), actors, PORTS)
    expect(open.toSorted()).toEqual(MEANT_PORTS.toSorted())
  })

  it("of the product's own pods to the world are those that were meant", () => {
    const open = openPairs(renderPolicies(), OWN, WORLD)
    expect(open.toSorted()).toEqual(MEANT_WORLD.toSorted())
  })

  it('are two more where namespace and label are an OR', () => {
    const open = openPairs(toOrForm(renderPolicies()), actors, PORTS)
    expect(open.filter((pair) => !MEANT_PORTS.includes(pair))).toEqual([
      "controller's namespace, other label > gateway:8080",
      "controller's label, own namespace > gateway:8080",
    ])
    expect(open).toEqual(expect.arrayContaining(MEANT_PORTS))
  })

  it.each(renderNames())('are others without the policy %s', (name) => {
    const policies = renderPolicies()
    const rest = policies.filter(({ metadata }) => metadata.name !== name)
    const all = (some: readonly NetworkPolicy[]): string[] => [
      ...openPairs(some, actors, PORTS),
      ...openPairs(some, OWN, WORLD),
    ]
    expect(all(rest)).not.toEqual(all(policies))
  })

  it('of a pod of the release that nobody thought of are none', () => {
    const forgotten = { forgotten: componentOf('forgotten') }
    const policies = renderPolicies()
    for (const target of Object.values({ ...PORTS, ...WORLD })) {
      expect(mayConnect(policies, forgotten.forgotten, target)).toBe(false)
    }
  })
})

/** Every policy that decides a pair above; the default one decides those of pods without another. */
function renderNames(): string[] {
  return ['gateway', 'worker', 'redis', 'mongodb', 'test'].map((name) => `rel-chatbox-${name}`)
}

describe('the evaluator', () => {
  const metadata = { name: 'a', namespace: NAMESPACE, labels: {} }
  const policy = (spec: NetworkPolicy['spec']): NetworkPolicy => {
    return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec }
  }
  const stranger = podIn('evil', OTHER)
  const target: Target = { to: gateway, protocol: 'TCP', port: 8080 }
  const everyPod = { podSelector: {} }

  it('takes no policy for no condition', () => {
    expect(mayConnect([], stranger, target)).toBe(true)
  })

  it('takes a rule without peers for everybody', () => {
    const open = policy({ ...everyPod, policyTypes: ['Ingress'], ingress: [{}] })
    expect(mayConnect([open], stranger, target)).toBe(true)
  })

  it('takes a policy without types and rules of egress for ingress alone', () => {
    const toWorld: Target = { to: { address: '203.0.113.10' }, protocol: 'TCP', port: 443 }
    const silent = policy({ ...everyPod, ingress: [] })
    expect(mayConnect([silent], gateway, toWorld)).toBe(true)
    expect(mayConnect([silent], stranger, target)).toBe(false)
  })

  it('holds a policy for its own namespace alone', () => {
    const elsewhere = { ...policy({ ...everyPod, policyTypes: ['Ingress'] }) }
    elsewhere.metadata = { ...metadata, namespace: 'other' }
    expect(mayConnect([elsewhere], stranger, target)).toBe(true)
  })

  it('tells protocols and blocks of addresses apart', () => {
    const ports = [{ protocol: 'TCP', port: 53 }]
    const to = [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }]
    const policies = [policy({ ...everyPod, policyTypes: ['Egress'], egress: [{ to, ports }] })]
    const ask = (address: string, protocol: 'TCP' | 'UDP') =>
      mayConnect(policies, gateway, { to: { address }, protocol, port: 53 })
    expect([ask('10.2.0.1', 'TCP'), ask('10.2.0.1', 'UDP'), ask('10.1.0.1', 'TCP')]).toEqual([
      true,
      false,
      false,
    ])
  })
})
