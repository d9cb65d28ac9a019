import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface BenchFolder {
  /** Settings with which a standalone process keeps its data there. */
  env: Record<string, string>
  secret: string
  remove(): Promise<void>
}

/** A data folder of its own, and the keys to go with it. */
export async function createFolder(): Promise<BenchFolder> {
  const dataDir = await mkdtemp(join(tmpdir(), 'chatbox-bench-'))
  const secret = randomBytes(48).toString('base64url')
  return {
    secret,
    env: {
      MODE: 'standalone',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'error',
      DATA_DIR: dataDir,
      JWT_SECRET: secret,
      ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
      RATE_LIMIT: '100000',
      RECONNECT_TIMEOUT: '1d',
      SESSION_IDLE_TIMEOUT: '1d',
    },
    remove: () => rm(dataDir, { recursive: true }),
  }
}
