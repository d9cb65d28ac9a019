import type { Settings } from './settings.ts'

type Stores = Settings['stores']
type BackendChoice =
  | (Stores & { kind: 'embedded' })
  | (Stores & { kind: 'cluster'; redisUrl: string; mongoUri: string })

/** Which back end a process opens. Settings of a cluster always hold both addresses. */
export function toBackendOptions({ process: { mode }, stores }: Settings): BackendChoice {
  const { redisUrl, mongoUri } = stores
  if (mode === 'standalone') return { ...stores, kind: 'embedded' }
  if (redisUrl === undefined || mongoUri === undefined) {
    throw new Error('settings of a cluster without its back ends were accepted')
  }
  return { ...stores, redisUrl, mongoUri, kind: 'cluster' }
}
