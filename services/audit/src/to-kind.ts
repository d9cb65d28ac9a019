/**
 * Returns the process whose settings the command reads: it runs with the environment of a gateway, or
 * of a standalone process.
 */
export function toKind({ MODE, MONGO_URI }: Record<string, string | undefined>): Kind {
  const isCluster = MODE === 'cluster' || (MODE === undefined && MONGO_URI !== undefined)
  return isCluster ? 'gateway' : 'standalone'
}

type Kind = 'gateway' | 'standalone'
