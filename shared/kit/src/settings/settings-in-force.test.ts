import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { describeSettings } from './describe-settings.ts'
import { readSettings, SettingsError } from './read-settings.ts'
import { doubtsAbout, listSecrets, printConfig } from './settings-in-force.ts'
import { createScrubber } from '../logging/redaction.ts'

const env = {
  MODE: 'cluster',
  JWT_SECRET: randomBytes(48).toString('base64url'),
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  REDIS_URL: 'rediss+sentinel://app:marker-one@a:1,b:2/group?sentinelPassword=marker-two',
  MONGO_URI:
    'mongodb://app:marker%2Dthree@a:1,b:2/?authMechanismProperties=AWS_SESSION_TOKEN:marker-four&w=1',
  LLM_PROVIDER_1_TYPE: 'anthropic',
  LLM_PROVIDER_1_API_KEY: 'marker-five',
  LLM_PROVIDER_1_MODEL: 'claude',
}

describe('printConfig', () => {
  it('prints every setting by its name and no secret', () => {
    const settings = readSettings(env, 'worker')
    const printed = printConfig(settings)
    const names = describeSettings().settings.map(({ name }) => name)
    for (const name of [...names, 'LLM_PROVIDER_1_API_KEY']) {
      expect(printed).toContain(`"${name}": `)
    }
    expect(printed).not.toMatch(/marker/)
    for (const secret of listSecrets(settings)) expect(printed).not.toContain(secret)
    expect(JSON.parse(printed)).toMatchObject({
      JWT_SECRET: '[hidden]',
      ENCRYPTION_KEYS: ['k1:[hidden]'],
      REDIS_URL: 'rediss+sentinel://app:[hidden]@a:1,b:2/group?sentinelPassword=[hidden]',
      JWKS_URL: null,
      DRAIN_TIMEOUT: '30000ms',
    })
  })

  it('lists the same secrets for the log to hide, in every form', () => {
    const scrub = createScrubber(listSecrets(readSettings(env, 'worker')))
    const markers = ['one', 'two', 'three', 'four', 'five'].map((number) => `marker-${number}`)
    for (const secret of [...markers, env.JWT_SECRET, env.ENCRYPTION_KEYS.slice(3)]) {
      expect(scrub(`x=${secret}&`)).toBe('x=[hidden]&')
    }
  })
})

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
  ALLOW_PLAINTEXT_BACKENDS: 'true',
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

describe('doubtsAbout', () => {
  it('says where a key set vouches for every issuer or service', () => {
    const jwks = { JWKS_URL: 'https://login.site.org/keys' }
    const doubts = (env: Record<string, string>) => doubtsAbout(readSettings(env)).join()
    expect(doubts(jwks)).toMatch(/^JWT_ISSUER and JWT_AUDIENCE not set: /)
    expect(doubts({ ...jwks, JWT_ISSUER: 'login' })).toMatch(/^JWT_AUDIENCE not set: /)
    expect(doubts({ ...jwks, JWT_AUDIENCE: 'chat' })).toMatch(/^JWT_ISSUER not set: /)
    expect(doubts({ ...jwks, JWT_ISSUER: 'login', JWT_AUDIENCE: 'chat' })).toBe('')
  })

  it('says in production where a secret vouches for every issuer or service', () => {
    const doubts = (env: Record<string, string>) =>
      doubtsAbout(readSettings({ ...CLUSTER, ...env })).join()
    expect(doubts({})).toBe(
      'JWT_ISSUER and JWT_AUDIENCE not set: tokens that are signed with JWT_SECRET are accepted from every issuer and for every service; set what your tokens say',
    )
    expect(doubts({ JWT_ISSUER: 'site' })).toMatch(/^JWT_AUDIENCE not set: /)
    expect(doubts({ JWT_AUDIENCE: 'chat' })).toMatch(/^JWT_ISSUER not set: /)
    expect(doubts({ JWT_ISSUER: 'site', JWT_AUDIENCE: 'chat' })).toBe('')
    expect(doubts({ NODE_ENV: 'development' })).toBe('')
  })
})
