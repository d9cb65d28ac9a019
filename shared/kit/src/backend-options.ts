import type { Settings } from './settings.ts'

/** Has the shape of the adapters' `BackendOptions`, which kit may not import. */
export type BackendChoice =
  | { kind: 'embedded'; dataDir: string; encryptionKeys: Settings['stores']['encryptionKeys'] }
  | {
      kind: 'cluster'
      redisUrl: string
      mongoUri: string
      mongoDatabase: string
      encryptionKeys: Settings['stores']['encryptionKeys']
    }

/** Which back end a process opens. Settings of a cluster always hold both addresses. */
export function toBackendOptions(settings: Settings): BackendChoice {
  const { dataDir, redisUrl, mongoUri, mongoDatabase, encryptionKeys } = settings.stores
  if (settings.process.mode === 'standalone') return { kind: 'embedded', dataDir, encryptionKeys }
  if (redisUrl === undefined || mongoUri === undefined) {
    throw new Error('settings of a cluster without its back ends were accepted')
  }
  return { kind: 'cluster', redisUrl, mongoUri, mongoDatabase, encryptionKeys }
}
