import type { MigrationOptions } from './mongo/schema/migrate-mongo.ts'

/** Brings the store of a cluster to what this program expects: see `migrateMongo`. */
export async function migrateStore(options: MigrationOptions): Promise<void> {
  // Loaded only where it is used: the driver takes a while.
  const { migrateMongo } = await import('./mongo/schema/migrate-mongo.ts')
  await migrateMongo(options)
}
