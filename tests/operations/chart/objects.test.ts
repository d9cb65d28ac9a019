import { expect, it } from '@jest/globals'
import { describeUnless } from '../../support/describe-unless.ts'
import { matches, podsOf, select, type Manifest, type Selector } from './support/manifest.ts'
import { CI_FILES, EVERYTHING, NAMESPACE, render } from './support/render.ts'
import { NO_TOOLS } from './support/tools.ts'

/** No rights, no definitions of kinds, nothing that asks the cluster while it renders. */
const KINDS = [
  'ConfigMap',
  'Deployment',
  'HTTPRoute',
  'HorizontalPodAutoscaler',
  'Ingress',
  'NetworkPolicy',
  'Pod',
  'PodDisruptionBudget',
  'PodMonitor',
  'PrometheusRule',
  'ScaledObject',
  'Secret',
  'Service',
  'ServiceAccount',
  'StatefulSet',
]

function autoscalersOf(manifests: readonly Manifest[]) {
  return [...select(manifests, 'HorizontalPodAutoscaler'), ...select(manifests, 'ScaledObject')]
}

/** The owners of the pods that a selector finds. */
function ownersOf(manifests: readonly Manifest[], selector: Selector): string[] {
  return podsOf(manifests)
    .filter(({ labels }) => matches(selector, labels))
    .map(({ owner }) => owner)
}

describeUnless(NO_TOOLS)('objects', () => {
  it('are of the kinds that were meant, over all files', () => {
    const kinds = CI_FILES.flatMap((file) => render(file).map(({ kind }) => kind))
    expect([...new Set(kinds)].toSorted()).toEqual(KINDS)
  })

  it.each(CI_FILES)('of %s have names and a namespace of their own', (file) => {
    const manifests = render(file)
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
    for (const { metadata } of manifests) {
      expect(metadata.namespace).toBe(NAMESPACE)
      expect(metadata.name.length).toBeLessThan(63)
    }
  })

  it.each(CI_FILES)('of %s are installed by Helm itself, but for the test', (file) => {
    const hooks = render(file).filter(
      ({ metadata }) => 'helm.sh/hook' in (metadata.annotations ?? {}),
    )
    expect(hooks.map(({ kind }) => kind)).toEqual(file.startsWith('09') ? [] : ['Pod'])
  })

  it('carry the labels and annotations that all should have', () => {
    for (const { metadata } of render(EVERYTHING)) {
      expect(metadata.labels).toMatchObject({ team: 'chat', 'app.kubernetes.io/instance': 'rel' })
      expect(metadata.annotations).toMatchObject({ contact: 'chat@site.org' })
    }
  })

  it('keep short names where the release has a long one', () => {
    const set = { fullnameOverride: 'a'.repeat(60) }
    const names = render(EVERYTHING, { set }).map(({ metadata }) => metadata.name)
    expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(58)
  })
})

describeUnless(NO_TOOLS)('autoscalers', () => {
  it.each(CI_FILES)('of %s: one, or none in mode none', (file) => {
    const autoscalers = autoscalersOf(render(file))
    expect(autoscalers.length).toBe(file.startsWith('08') ? 0 : 1)
  })

  it.each(CI_FILES)('of %s: alone with the number of the gateways', (file) => {
    const manifests = render(file)
    const targets = autoscalersOf(manifests).map(({ spec }) => spec.scaleTargetRef)
    for (const { metadata, spec } of select(manifests, 'Deployment')) {
      const isScaled = targets.some(({ kind, name }) => {
        return kind === 'Deployment' && name === metadata.name
      })
      expect(spec.replicas === undefined).toBe(isScaled)
    }
    const names = select(manifests, 'Deployment').map(({ metadata }) => metadata.name)
    expect(names).toEqual(expect.arrayContaining(targets.map(({ name }) => name)))
  })
})

describeUnless(NO_TOOLS)('selectors', () => {
  it.each(CI_FILES)('of %s find the pods of their own workload alone', (file) => {
    const manifests = render(file)
    const workloads = [...select(manifests, 'Deployment'), ...select(manifests, 'StatefulSet')]
    for (const { metadata, spec } of workloads) {
      expect(ownersOf(manifests, spec.selector)).toEqual([metadata.name])
    }
  })

  it.each(CI_FILES)('of %s: services and their ports lead to one workload', (file) => {
    const manifests = render(file)
    for (const { metadata, spec } of select(manifests, 'Service')) {
      const owners = ownersOf(manifests, { matchLabels: spec.selector })
      expect(owners).toEqual([metadata.name])
      const pod = podsOf(manifests).find(({ owner }) => owner === owners[0])
      const names = pod?.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name))
      for (const { targetPort } of spec.ports) expect(names).toContain(targetPort)
    }
  })

  it.each(CI_FILES)(
    'of %s: budgets let one pod of one workload go, and a sick one always',
    (file) => {
      const manifests = render(file)
      for (const { metadata, spec } of select(manifests, 'PodDisruptionBudget')) {
        expect(ownersOf(manifests, spec.selector)).toEqual([metadata.name])
        expect(spec.maxUnavailable).toBe(1)
        expect(spec.unhealthyPodEvictionPolicy).toBe('AlwaysAllow')
      }
    },
  )

  it.each(CI_FILES)('of %s: every policy is of a pod, and every pod has its own', (file) => {
    const manifests = render(file)
    const policies = select(manifests, 'NetworkPolicy')
    for (const { spec } of policies) {
      expect(ownersOf(manifests, spec.podSelector)).not.toEqual([])
    }
    if (policies.length === 0) return
    for (const { labels } of podsOf(manifests)) {
      const own = policies.filter(({ spec }) => matches(spec.podSelector, labels))
      expect(own.map(({ metadata }) => metadata.name)).toHaveLength(2)
    }
  })

  it('of monitors find gateways and workers by a port that both have', () => {
    const manifests = render(EVERYTHING)
    const [monitor] = select(manifests, 'PodMonitor')
    const owners = ownersOf(manifests, monitor?.spec.selector ?? {})
    expect(owners).toEqual(['rel-chatbox-gateway', 'rel-chatbox-worker'])
    const ports = podsOf(manifests)
      .filter(({ owner }) => owners.includes(owner))
      .map(({ spec }) => spec.containers[0]?.ports?.map(({ name }) => name))
    for (const names of ports) {
      expect(names).toContain(monitor?.spec.podMetricsEndpoints[0]?.port)
    }
  })
})
