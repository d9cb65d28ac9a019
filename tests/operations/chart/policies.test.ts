import { expect, it } from '@jest/globals'
import { describeUnless } from '../../support/describe-unless.ts'
import { podsOf, select, type NetworkPolicy, type Peer } from './support/manifest.ts'
import { isWithin } from './support/policy-evaluator.ts'
import { CI_FILES, render } from './support/render.ts'
import { NO_TOOLS } from './support/tools.ts'

const WITHOUT_POLICIES = '09-no-netpol-values.yaml'
const FILES = CI_FILES.filter((file) => file !== WITHOUT_POLICIES)

function rulesOf({ spec: { ingress = [], egress = [] } }: NetworkPolicy) {
  return [
    ...ingress.map(({ from, ports }) => ({ peers: from, ports })),
    ...egress.map(({ to, ports }) => ({ peers: to, ports })),
  ]
}

function hasLabels({ matchLabels = {} }: { matchLabels?: object } = {}): boolean {
  return Object.keys(matchLabels).length > 0
}

/** True for both selectors with labels, for pods of this release, or for addresses alone. */
function isWhole({ namespaceSelector, podSelector, ipBlock }: Peer): boolean {
  if (ipBlock) return !namespaceSelector && !podSelector
  if (!hasLabels(podSelector)) return false
  if (namespaceSelector) return hasLabels(namespaceSelector)
  return podSelector?.matchLabels?.['app.kubernetes.io/instance'] === 'rel'
}

/** Rules without a peer, which are open to everybody, and peers that say half. */
function faultsOf(policy: NetworkPolicy): string[] {
  const { name } = policy.metadata
  return rulesOf(policy).flatMap(({ peers }) => {
    if (!peers || peers.length === 0) return [`${name} has a rule without a peer`]
    return peers.every(isWhole) ? [] : [`${name} has half a peer`]
  })
}

describeUnless(NO_TOOLS)('network policies', () => {
  it.each(FILES)('of %s have no rule with an empty, missing or half peer', (file) => {
    const policies = select(render(file), 'NetworkPolicy')
    expect(policies.length).toBeGreaterThanOrEqual(4)
    expect(policies.flatMap(faultsOf)).toEqual([])
  })

  it('with such a rule would be seen', () => {
    const [policy] = select(render(FILES[0] ?? ''), 'NetworkPolicy')
    if (!policy) throw new Error('there is no policy')
    const withPeers = (from: Peer[] | undefined): NetworkPolicy => {
      return { ...policy, spec: { ...policy.spec, ingress: [{ from }] } }
    }
    const label = { matchLabels: { a: 'b' } }
    const bad: (Peer[] | undefined)[] = [
      undefined,
      [],
      [{ namespaceSelector: label }],
      [{ podSelector: label }],
      [{ namespaceSelector: {}, podSelector: label }],
    ]
    for (const peers of bad) expect(faultsOf(withPeers(peers))).toHaveLength(1)
    expect(faultsOf(withPeers([{ namespaceSelector: label, podSelector: label }]))).toEqual([])
  })

  it.each(FILES)('of %s say both directions, and a port for each rule', (file) => {
    for (const policy of select(render(file), 'NetworkPolicy')) {
      expect(policy.spec.policyTypes).toEqual(['Ingress', 'Egress'])
      expect(Object.keys(policy.spec)).toEqual(expect.arrayContaining(['ingress', 'egress']))
      for (const { ports } of rulesOf(policy)) expect(ports?.length).toBeGreaterThan(0)
    }
  })

  it.each(FILES)('of %s deny all pods of the release by default', (file) => {
    const policies = select(render(file), 'NetworkPolicy')
    const [deny] = policies.filter(({ metadata }) => metadata.name === 'rel-chatbox-default-deny')
    expect(deny?.spec).toEqual({
      podSelector: {
        matchLabels: {
          'app.kubernetes.io/name': 'chatbox',
          'app.kubernetes.io/instance': 'rel',
        },
      },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: [],
    })
  })

  it.each(FILES)('of %s let names be asked for over UDP and TCP', (file) => {
    const policies = select(render(file), 'NetworkPolicy')
    for (const name of ['gateway', 'worker', 'test']) {
      const policy = policies.find(({ metadata }) => metadata.name === `rel-chatbox-${name}`)
      const [dns] = policy?.spec.egress ?? []
      const port = file.startsWith('11') ? 5353 : 53
      expect(dns?.ports).toEqual([
        { protocol: 'UDP', port },
        { protocol: 'TCP', port },
      ])
    }
  })

  it.each(FILES)('of %s name ports that the pods have', (file) => {
    const manifests = render(file)
    const names = podsOf(manifests).flatMap(({ spec }) =>
      spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)),
    )
    for (const policy of select(manifests, 'NetworkPolicy')) {
      for (const { port } of rulesOf(policy).flatMap(({ ports = [] }) => ports)) {
        if (typeof port === 'string') expect(names).toContain(port)
      }
    }
  })
})

describeUnless(NO_TOOLS)('the way to the models', () => {
  const ADDRESSES: [address: string, isPublic: boolean][] = [
    ['203.0.113.10', true],
    ['9.255.255.255', true],
    ['172.32.0.1', true],
    ['2001:db8::1', true],
    ['10.96.0.1', false],
    ['172.16.0.1', false],
    ['192.168.1.1', false],
    ['100.64.0.1', false],
    ['127.0.0.1', false],
    ['169.254.169.254', false],
    ['::1', false],
    ['fd00:ec2::254', false],
    ['fe80::1', false],
  ]

  it.each(ADDRESSES)('to %s: %s', (address, isPublic) => {
    const [worker] = select(render(FILES[0] ?? ''), 'NetworkPolicy').filter(({ metadata }) =>
      metadata.name.endsWith('-worker'),
    )
    const models = worker?.spec.egress?.find(({ ports }) => ports?.[0]?.port === 443)
    const admits = models?.to?.some(({ ipBlock }) => {
      return (
        ipBlock &&
        isWithin(address, ipBlock.cidr) &&
        !ipBlock.except?.some((cidr) => isWithin(address, cidr))
      )
    })
    expect(admits).toBe(isPublic)
  })
})
