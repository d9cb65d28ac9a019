import type { MigrationOptions } from './mongo/schema/migrate-mongo.ts'

/** Migrates the store of a cluster to this program's schema. See `migrateMongo`. */
export async function migrateStore(options: MigrationOptions): Promise<void> {
  // Loaded on demand, because the driver takes long to load.
  const { migrateMongo } = await import('./mongo/schema/migrate-mongo.ts')
  await migrateMongo(options)
}
