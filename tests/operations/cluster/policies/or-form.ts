interface Peer {
  namespaceSelector?: object
  podSelector?: object
  ipBlock?: object
}

export interface NetworkPolicy {
  spec: { ingress?: { ports?: { port: unknown }[]; from?: Peer[] }[] }
}

/**
 * The same policy with its two conditions for `port` as items of their own, which is how a rule is
 * easily mistaken: an AND has become an OR. Throws where there is nothing to take apart.
 */
export function toOrForm<P extends NetworkPolicy>(policy: P, port: unknown): P {
  let parted = 0
  const ingress = policy.spec.ingress?.map((rule) => {
    if (!rule.ports?.some((one) => one.port === port)) return rule
    const from = rule.from?.flatMap((peer) => {
      const { namespaceSelector, podSelector } = peer
      if (!namespaceSelector || !podSelector) return [peer]
      parted += 1
      return [{ namespaceSelector }, { podSelector }]
    })
    return { ...rule, from }
  })
  if (parted === 0) throw new Error('the policy has no peer of two conditions')
  return { ...policy, spec: { ...policy.spec, ingress } }
}
