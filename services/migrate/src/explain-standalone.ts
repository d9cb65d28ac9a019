/**
 * Why there is nothing to migrate where a standalone process runs, or undefined where the settings
 * are meant for a cluster.
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
