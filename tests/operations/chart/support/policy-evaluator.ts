import { BlockList, isIP } from 'node:net'
import { matches, type Labels, type NetworkPolicy, type Peer, type PolicyRule } from './manifest.ts'

/** One end of a connection: a pod, or an address outside of the cluster. */
export interface Endpoint {
  address: string
  pod?: {
    namespace: string
    namespaceLabels: Labels
    labels: Labels
    /** What its containers call their ports. */
    portNames: Readonly<Record<string, number>>
  }
}

export interface Target {
  to: Endpoint
  protocol: 'TCP' | 'UDP'
  port: number
}

/**
 * Whether these policies let a connection through, as the API's reference says: a direction of a pod
 * without a policy is open; with one, any rule of any of them may admit. Both ends have to.
 */
export function mayConnect(
  policies: readonly NetworkPolicy[],
  from: Endpoint,
  target: Target,
): boolean {
  return (
    isAdmitted(policies, { subject: from, other: target.to, direction: 'Egress' }, target) &&
    isAdmitted(policies, { subject: target.to, other: from, direction: 'Ingress' }, target)
  )
}

interface Side {
  /** Whose policies are asked. */
  subject: Endpoint
  other: Endpoint
  direction: 'Ingress' | 'Egress'
}

function isAdmitted(
  policies: readonly NetworkPolicy[],
  { subject, other, direction }: Side,
  target: Target,
): boolean {
  const { pod } = subject
  if (!pod) return true
  const own = policies.filter(({ metadata, spec }) => {
    const types = spec.policyTypes ?? ['Ingress', ...(spec.egress ? ['Egress'] : [])]
    return (
      metadata.namespace === pod.namespace &&
      types.includes(direction) &&
      matches(spec.podSelector, pod.labels)
    )
  })
  if (own.length === 0) return true
  return own.some(({ metadata, spec }) => {
    const rules = direction === 'Ingress' ? spec.ingress : spec.egress
    return rules?.some((rule) => {
      const peers = direction === 'Ingress' ? rule.from : rule.to
      return (
        includesPort(rule, target) &&
        // No peer is no condition: the rule is of everybody.
        (!peers?.length || peers.some((peer) => isPeer(peer, other, metadata.namespace)))
      )
    })
  })
}

function includesPort({ ports }: PolicyRule, { to, protocol, port }: Target): boolean {
  if (!ports?.length) return true
  return ports.some((each) => {
    const number = typeof each.port === 'string' ? to.pod?.portNames[each.port] : each.port
    return each.protocol === protocol && number === port
  })
}

/** Both selectors of a peer have to fit; pods alone mean those of the policy's own namespace. */
function isPeer(peer: Peer, { address, pod }: Endpoint, ownNamespace: string): boolean {
  const { namespaceSelector, podSelector, ipBlock } = peer
  if (ipBlock) {
    return (
      isWithin(address, ipBlock.cidr) && !ipBlock.except?.some((cidr) => isWithin(address, cidr))
    )
  }
  if (!pod) return false
  const isNamespace = namespaceSelector
    ? matches(namespaceSelector, pod.namespaceLabels)
    : pod.namespace === ownNamespace
  return isNamespace && (!podSelector || matches(podSelector, pod.labels))
}

/** Of the same family alone: `::/0` means no address of IPv4. */
export function isWithin(address: string, cidr: string): boolean {
  const [network = '', bits] = cidr.split('/')
  if (isIP(network) !== isIP(address)) return false
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(network, Number(bits), family)
  return list.check(address, family)
}
