/**
 * Returns the reason why a standalone process needs no migration, or undefined if the settings are
 * for a cluster.
 */
export function explainStandalone(env: Record<string, string | undefined>): string | undefined {
  const { MODE, MONGO_URI } = env
  const isStandalone = MODE === 'standalone' || (MODE === undefined && MONGO_URI === undefined)
  if (!isStandalone) return undefined
  return (
    'migrate is for a cluster, which MODE=cluster and MONGO_URI make: ' +
    'a standalone process brings its data file up to date when it starts'
  )
}
