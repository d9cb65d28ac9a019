import { randomBytes } from 'node:crypto'

export const SECRET_NAMES = ['JWT_SECRET', 'ENCRYPTION_KEYS', 'REDIS_PASSWORD', 'MONGO_PASSWORD']

/** The four secrets that compose asks for, made for one run. */
export function makeSecrets(): Record<string, string> {
  return {
    JWT_SECRET: randomBytes(32).toString('base64'),
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    REDIS_PASSWORD: randomBytes(32).toString('base64url'),
    MONGO_PASSWORD: randomBytes(32).toString('base64url'),
  }
}

/** As it stands in a `.env` file. */
export function toEnvText(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
