import { parseAllDocuments } from 'yaml'

export type Labels = Readonly<Record<string, string>>

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace: string; labels: Labels; annotations?: Labels }
}

export interface Selector {
  matchLabels?: Labels
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

interface EnvVariable {
  name: string
  value?: string
  valueFrom?: { secretKeyRef: { name: string; key: string } }
}

export interface Probe {
  httpGet?: { path: string; port: string }
  tcpSocket?: { port: string }
}

export interface Container {
  name: string
  image: string
  args?: string[]
  env?: EnvVariable[]
  ports?: { name: string; containerPort: number }[]
  startupProbe?: Probe
  livenessProbe?: Probe
  readinessProbe?: Probe
  lifecycle?: { preStop: { sleep: { seconds: number } } }
  resources: Record<'requests' | 'limits', Record<string, string>>
  securityContext?: object
  volumeMounts?: { name: string }[]
}

export interface PodSpec {
  automountServiceAccountToken?: boolean
  enableServiceLinks?: boolean
  serviceAccountName?: string
  securityContext?: object
  terminationGracePeriodSeconds?: number
  initContainers?: Container[]
  containers: Container[]
  volumes?: { name: string }[]
}

interface Workload extends Manifest {
  spec: {
    replicas?: number
    selector: Selector
    template: { metadata: { labels: Labels }; spec: PodSpec }
  }
}

export interface Peer {
  namespaceSelector?: Selector | undefined
  podSelector?: Selector | undefined
  ipBlock?: { cidr: string; except?: string[] }
}

interface PolicyPort {
  protocol: string
  port: string | number
}

export interface PolicyRule {
  from?: Peer[] | undefined
  to?: Peer[] | undefined
  ports?: PolicyPort[]
}

export interface NetworkPolicy extends Manifest {
  spec: {
    podSelector: Selector
    policyTypes?: string[]
    ingress?: PolicyRule[] | undefined
    egress?: PolicyRule[]
  }
}

interface Kinds {
  Deployment: Workload
  StatefulSet: Workload
  Pod: Manifest & { spec: PodSpec }
  NetworkPolicy: NetworkPolicy
  Service: Manifest & {
    spec: { selector: Labels; ports: { name: string; port: number; targetPort: string }[] }
  }
  ServiceAccount: Manifest & { automountServiceAccountToken: boolean }
  PodDisruptionBudget: Manifest & {
    spec: { selector: Selector; maxUnavailable: number; unhealthyPodEvictionPolicy: string }
  }
  HorizontalPodAutoscaler: Manifest & {
    spec: {
      scaleTargetRef: { kind: string; name: string }
      behavior: { scaleDown: { policies: { periodSeconds: number }[] } }
    }
  }
  ScaledObject: Manifest & { spec: { scaleTargetRef: { kind: string; name: string } } }
  PodMonitor: Manifest & {
    spec: { selector: Selector; podMetricsEndpoints: { port: string }[] }
  }
  PrometheusRule: Manifest & { spec: { groups: unknown[] } }
  ConfigMap: Manifest & { data: Record<string, string> }
  Ingress: Manifest & { spec: { rules: { http: { paths: { path: string }[] } }[] } }
  HTTPRoute: Manifest & { spec: { rules: { matches: { path: { value: string } }[] }[] } }
  Secret: Manifest & { stringData: Record<string, string> }
}

/** The documents of a stream; throws for what is no YAML, also for a key that is there twice. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0]
    // Each was rendered by a template of ours, and is checked against the API's own schema elsewhere.
    const manifest = document.toJS() as Manifest | null
    return manifest ? [manifest] : []
  })
}

export function select<K extends keyof Kinds>(manifests: readonly Manifest[], kind: K): Kinds[K][] {
  // As above: the kind says which of them it is.
  return manifests.filter((manifest) => manifest.kind === kind) as Kinds[K][]
}

/** A pod as it will run, whatever makes it. */
export interface PodShape {
  owner: string
  labels: Labels
  spec: PodSpec
}

export function podsOf(manifests: readonly Manifest[]): PodShape[] {
  const workloads = [...select(manifests, 'Deployment'), ...select(manifests, 'StatefulSet')]
  return [
    ...workloads.map(({ metadata, spec: { template } }) => ({
      owner: metadata.name,
      labels: template.metadata.labels,
      spec: template.spec,
    })),
    ...select(manifests, 'Pod').map(({ metadata, spec }) => {
      return { owner: metadata.name, labels: metadata.labels, spec }
    }),
  ]
}

export function containersOf({ initContainers = [], containers }: PodSpec): Container[] {
  return [...initContainers, ...containers]
}

/** Labels alone, and `In`: all that the chart writes. Throws for another operator. */
export function matches(selector: Selector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`the operator ${operator} is not known here`)
      return values.includes(labels[key] ?? '')
    })
  )
}
