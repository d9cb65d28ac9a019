import { existsSync } from 'node:fs'
import type { Env } from './setting-values.ts'

const ENV_FILE = '.env'

/**
 * The environment, outside production with the `.env` file of the working directory, which never
 * overrides what is set already.
 */
export function loadEnv(): Env {
  if (process.env.NODE_ENV !== 'production' && existsSync(ENV_FILE)) process.loadEnvFile(ENV_FILE)
  return process.env
}
