import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { readSettings, SettingsError } from './read-settings.ts'

const BYTES = randomBytes(32)
const OTHER = randomBytes(32).toString('base64')
const HEX = BYTES.toString('hex')
const URL_SAFE = BYTES.toString('base64url')
const CLUSTER = {
  NODE_ENV: 'production',
  JWT_SECRET: BYTES.toString('base64'),
  ENCRYPTION_KEYS: `k1:${OTHER}`,
  ALLOWED_ORIGINS: 'https://www.site.org',
  REDIS_URL: 'redis://:first@redis:6379',
  MONGO_URI: 'mongodb://app:second@mongo:27017',
  LLM_PROVIDER_1_TYPE: 'anthropic',
  LLM_PROVIDER_1_API_KEY: 'key-of-both-models',
  LLM_PROVIDER_1_MODEL: 'large',
  LLM_PROVIDER_2_TYPE: 'anthropic',
  LLM_PROVIDER_2_API_KEY: 'key-of-both-models',
  LLM_PROVIDER_2_MODEL: 'small',
}

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readSettings({ ...CLUSTER, ...env }, 'gateway')
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
  return []
}

describe('secrets in production', () => {
  it('differ from one another; two models may share a key', () => {
    expect(faultsOf({})).toEqual([])
  })

  it.each([
    [{ ENCRYPTION_KEYS: `k1:${HEX}` }, 'ENCRYPTION_KEYS (k1)', 'JWT_SECRET'],
    [
      { ENCRYPTION_KEYS: `k1:${OTHER},k2:${OTHER}` },
      'ENCRYPTION_KEYS (k2)',
      'ENCRYPTION_KEYS (k1)',
    ],
    [{ REDIS_URL: `redis://:${URL_SAFE}@redis:6379` }, 'REDIS_URL (password)', 'JWT_SECRET'],
    [
      { MONGO_URI: `mongodb://app:${encodeURIComponent(OTHER)}@mongo:27017` },
      'MONGO_URI (password)',
      'ENCRYPTION_KEYS (k1)',
    ],
    [
      { MONGO_URI: 'mongodb://app:first@mongo:27017' },
      'MONGO_URI (password)',
      'REDIS_URL (password)',
    ],
    [{ LLM_PROVIDER_2_API_KEY: HEX }, 'LLM_PROVIDER_2_API_KEY', 'JWT_SECRET'],
    [{ LLM_PROVIDER_1_API_KEY: 'second' }, 'LLM_PROVIDER_1_API_KEY', 'MONGO_URI (password)'],
  ])('are refused when they are one: case %#', (env, name, first) => {
    expect(faultsOf(env)).toEqual([`${name} is the same secret as ${first}`])
  })

  it('may be one elsewhere', () => {
    const env = { NODE_ENV: 'development', ENCRYPTION_KEYS: `k1:${HEX}` }
    expect(faultsOf(env)).toEqual([])
  })
})
