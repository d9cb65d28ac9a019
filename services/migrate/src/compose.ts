import { migrateStore } from '@chatbox/adapters'
import { AppError } from '@chatbox/core'
import { StartError, type CommandContext } from '@chatbox/kit'
import { readPatience } from './read-patience.ts'

/** Migrates a cluster's store to this version. Logs each step, or that there was nothing to do. */
export async function migrate(
  { settings, logger, signal }: CommandContext,
  args: readonly string[],
): Promise<void> {
  const { mongoUri, mongoDatabase } = settings.stores
  if (mongoUri === undefined) throw new Error('the settings of a cluster have no store')
  let count = 0
  const migration = migrateStore({
    mongoUri,
    mongoDatabase,
    withinMs: readPatience(args),
    signal,
    onStep({ step, name, ms }) {
      count++
      logger.info({ step, ms }, `done: ${name}`)
    },
    onWait: (reason) => logger.warn({ reason }, 'waiting for the store'),
  })
  await migration.catch((error: unknown) => {
    throw error instanceof AppError ? new StartError(error.message, { cause: error }) : error
  })
  logger.info(count === 0 ? 'nothing to do' : 'the store is up to date')
}
