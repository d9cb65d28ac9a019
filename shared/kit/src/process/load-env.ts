import { existsSync } from 'node:fs'
import type { Env } from '../settings/setting.ts'

const ENV_FILE = '.env'

/**
 * Returns the environment. In development it includes the `.env` file of the working directory,
 * which never overrides a variable.
 */
export function loadEnv(): Env {
  const { NODE_ENV = 'development' } = process.env
  if (NODE_ENV === 'development' && existsSync(ENV_FILE)) process.loadEnvFile(ENV_FILE)
  return process.env
}
