import type { AuditLog } from '@chatbox/core'
import type { BackendOptions } from './backend.ts'
import { createKeyRing, type RecordDeps } from './sealed/key-ring.ts'
import { openSqliteStore } from './sqlite/open-sqlite-store.ts'

/**
 * Opens only the store, for a command that looks at the audit log. Rejects with `UNAVAILABLE` if it
 * does not answer, or throws a one-line reason if the data folder cannot be used.
 */
export async function openAuditLog(
  options: BackendOptions,
  { hooks, signal }: { hooks: RecordDeps['hooks']; signal: AbortSignal },
): Promise<{ audit: AuditLog; close(): Promise<void> }> {
  const cipher = createKeyRing(options.encryptionKeys)
  if (options.kind === 'embedded') {
    return openSqliteStore({ dataDir: options.dataDir, cipher, hooks })
  }
  const { openMongoStore } = await import('./mongo/open-mongo-store.ts')
  const { mongoUri: uri, mongoDatabase: database } = options
  return openMongoStore({ uri, database, cipher, hooks, signal })
}
