import { expect, it } from '@jest/globals'
import { describeUnless } from '../../support/describe-unless.ts'
import { containersOf, podsOf, select, type PodSpec, type Probe } from './support/manifest.ts'
import { CI_FILES, EVERYTHING, NAME, NAMESPACE, render } from './support/render.ts'
import { NO_TOOLS } from './support/tools.ts'

/** The restricted pod security standard, and a root that nobody writes to. */
const RESTRICTED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}
const OPENSHIFT = '11-openshift-values.yaml'
/** What an image is called: repository, a version that is not `latest`, and a digest or none. */
const IMAGE = /^[a-z0-9.-]+(?:\/[a-z0-9.-]+)*:(?!latest(?:@|$))[\w.-]+(?:@sha256:[a-f0-9]{64})?$/

function envOf({ containers }: PodSpec): Record<string, string | undefined> {
  return Object.fromEntries(containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [])
}

function portOf(probe: Probe | undefined): string | undefined {
  return probe?.httpGet?.port ?? probe?.tcpSocket?.port
}

function podOf(file: string, owner: string): PodSpec {
  const pod = podsOf(render(file)).find((each) => each.owner === owner)
  if (!pod) throw new Error(`${file} makes no pod of ${owner}`)
  return pod.spec
}

describeUnless(NO_TOOLS)('pods', () => {
  it.each(CI_FILES)('of %s keep the restricted standard', (file) => {
    const pods = podsOf(render(file))
    expect(pods.length).toBeGreaterThan(1)
    for (const { spec } of pods) {
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      for (const { securityContext } of containersOf(spec)) {
        expect(securityContext).toEqual(RESTRICTED)
      }
    }
  })

  it.each(CI_FILES)('of %s have an id of their own, but on OpenShift', (file) => {
    const ids = podsOf(render(file)).map(({ spec }) => 'runAsUser' in (spec.securityContext ?? {}))
    expect(new Set(ids)).toEqual(new Set([file !== OPENSHIFT]))
  })

  it.each(CI_FILES)('of %s get no token and no names of services', (file) => {
    const manifests = render(file)
    for (const { spec } of podsOf(manifests)) {
      expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
    }
    for (const account of select(manifests, 'ServiceAccount')) {
      expect(account.automountServiceAccountToken).toBe(false)
    }
  })

  it.each(CI_FILES)('of %s have images of one version', (file) => {
    const images = podsOf(render(file)).flatMap(({ spec }) =>
      containersOf(spec).map(({ image }) => image),
    )
    for (const image of images) expect(image).toMatch(IMAGE)
    if (file === EVERYTHING) for (const image of images) expect(image).toContain('@sha256:')
  })

  it.each(CI_FILES)('of %s ask for what they need and have an end', (file) => {
    for (const { spec } of podsOf(render(file))) {
      for (const { resources } of containersOf(spec)) {
        expect(Object.keys(resources.requests).toSorted()).toEqual(
          expect.arrayContaining(['cpu', 'ephemeral-storage', 'memory']),
        )
        // Without one of CPU: a throttled event loop delays everybody on it.
        expect(Object.keys(resources.limits).toSorted()).toEqual(['ephemeral-storage', 'memory'])
      }
    }
  })

  it.each(CI_FILES)('of %s mount what is there, and a place to write', (file) => {
    for (const { spec } of podsOf(render(file))) {
      const volumes = [...(spec.volumes ?? []), { name: 'data' }].map(({ name }) => name)
      for (const { volumeMounts = [] } of containersOf(spec)) {
        const mounted = volumeMounts.map(({ name }) => name)
        expect(mounted).toContain('tmp')
        expect(volumes).toEqual(expect.arrayContaining(mounted))
      }
    }
  })
})

describeUnless(NO_TOOLS)('probes', () => {
  it.each(CI_FILES)('of %s ask ports that exist, and not twice the same', (file) => {
    for (const { spec } of podsOf(render(file)).filter(({ owner }) => owner !== `${NAME}-test`)) {
      for (const { ports = [], startupProbe, readinessProbe, livenessProbe } of spec.containers) {
        const names = ports.map(({ name }) => name)
        const [starts, ready, lives] = [startupProbe, readinessProbe, livenessProbe].map(portOf)
        expect(names).toEqual(expect.arrayContaining([starts, ready, lives ?? ready]))
      }
    }
  })

  it.each(['gateway', 'worker'])('of the %s: it lives, or it is ready', (component) => {
    const [container] = podOf(EVERYTHING, `${NAME}-${component}`).containers
    const at = (path: string) => ({ httpGet: { path, port: 'management' } })
    expect(container).toMatchObject({
      startupProbe: at('/healthz'),
      livenessProbe: at('/healthz'),
      readinessProbe: at('/readyz'),
    })
  })
})

describeUnless(NO_TOOLS)('the time that a pod has to end', () => {
  const parts = { preStopSeconds: 7, drainSeconds: 41, closeSeconds: 13, marginSeconds: 3 }

  it('is the sum of its parts', () => {
    const { preStopSeconds, ...rest } = parts
    const set = { gateway: { drain: parts }, worker: { drain: rest } }
    const pods = podsOf(render(CI_FILES[0] ?? '', { set }))
    const graces = pods.map(({ spec }) => spec.terminationGracePeriodSeconds)
    const drains = pods.map(({ spec }) => envOf(spec).DRAIN_TIMEOUT)
    const pauses = pods.map(({ spec }) => spec.containers[0]?.lifecycle?.preStop.sleep.seconds)
    expect({ graces, drains, pauses }).toEqual({
      graces: [preStopSeconds + 41 + 13 + 3, 41 + 13 + 3, undefined],
      drains: ['54s', '54s', undefined],
      pauses: [preStopSeconds, undefined, undefined],
    })
  })

  it.each(CI_FILES)('is over before the autoscaler of %s takes the next one', (file) => {
    const manifests = render(file)
    const grace = podOf(file, `${NAME}-gateway`).terminationGracePeriodSeconds
    for (const { spec } of select(manifests, 'HorizontalPodAutoscaler')) {
      for (const { periodSeconds } of spec.behavior.scaleDown.policies) {
        expect(periodSeconds).toBeGreaterThanOrEqual(grace ?? Infinity)
      }
    }
  })

  it('has no pause where none is wanted', () => {
    const set = { gateway: { drain: { preStopSeconds: 0 } } }
    const [gateway] = podsOf(render(CI_FILES[0] ?? '', { set }))
    expect(gateway?.spec.containers[0]?.lifecycle).toBeUndefined()
  })
})

describeUnless(NO_TOOLS)('the path of the pages', () => {
  it('is the same in the setting, the ingress, the route and the test', () => {
    const manifests = render(EVERYTHING)
    const { containers } = podOf(EVERYTHING, `${NAME}-test`)
    expect({
      setting: envOf(podOf(EVERYTHING, `${NAME}-gateway`)).PATH_PREFIX,
      ingress: select(manifests, 'Ingress')[0]?.spec.rules[0]?.http.paths[0]?.path,
      route: select(manifests, 'HTTPRoute')[0]?.spec.rules[0]?.matches[0]?.path.value,
      test: containers[0]?.args?.at(-1),
    }).toEqual({
      setting: '/help/chat',
      ingress: '/help/chat',
      route: '/help/chat',
      test: `http://${NAME}-gateway.${NAMESPACE}.svc:8000/help/chat`,
    })
  })
})
