import { accessSync, constants, mkdirSync } from 'node:fs'
import { addDevelopmentKeys, type CompletedSettings } from './development-keys.ts'
import { toReason } from '../logging/error-fields.ts'
import type { Settings } from '../settings/settings.ts'
import { StartError } from './start-fault.ts'

/**
 * Makes the data folder of a standalone process where it is missing, and the keys in it that the
 * settings lack. Throws a `StartError` where nothing can be written in it.
 */
export function prepareDataDir(settings: Settings): CompletedSettings {
  if (settings.process.mode !== 'standalone') return { settings, keysFile: undefined }
  const { dataDir } = settings.stores
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    accessSync(dataDir, constants.W_OK | constants.X_OK)
    return addDevelopmentKeys(settings)
  } catch (error) {
    throw new StartError(`DATA_DIR cannot be used: ${toReason(error)}`, { cause: error })
  }
}
