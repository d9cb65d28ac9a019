import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { readSettings, SettingsError } from './read-settings.ts'
import type { Env, ProcessKind } from './setting.ts'

const KEY = randomBytes(32).toString('base64')
const OPENAI = {
  LLM_PROVIDER_1_ENDPOINT: 'https://api.openai.com/v1',
  LLM_PROVIDER_1_API_KEY: 'sk-0a1b2c3d4e5f6a7b8c9d',
  LLM_PROVIDER_1_MODEL: 'gpt-x',
}
function faultsOf(env: Env, kind?: ProcessKind): readonly string[] {
  try {
    readSettings(env, kind)
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
  return []
}

describe('bad values', () => {
  it.each([
    ['NODE_ENV', 'prod'],
    ['MODE', 'clustered'],
    ['MODE', 'cluster'],
    ['PORT', '0'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['PORT', '8e3'],
    ['PORT', '9090'],
    ['PATH_PREFIX', 'support'],
    ['PATH_PREFIX', '/support/'],
    ['PATH_PREFIX', '//'],
    ['PATH_PREFIX', '/a/../b?'],
    ['PUBLIC_URL', 'talk.site.org'],
    ['PUBLIC_URL', 'https://chat.site.org/path'],
    ['PUBLIC_URL', 'https://user:pass@chat.site.org'],
    ['PUBLIC_URL', 'ftp://chat.site.org'],
    ['ALLOWED_ORIGINS', '*'],
    ['ALLOWED_ORIGINS', 'https://a.org,'],
    ['ALLOWED_ORIGINS', 'https://a.org/'],
    ['ALLOWED_ORIGINS', 'https://*.a.org'],
    ['ALLOWED_ORIGINS', 'null'],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['TRUSTED_PROXIES', '10.0.0.1,::/0'],
    ['TRUSTED_PROXIES', '10.0.0.0/00'],
    ['TRUSTED_PROXIES', 'none,10.0.0.1'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', 'proxy.site.org'],
    ['TRUSTED_PROXIES', '010.0.0.1'],
    ['TRUSTED_PROXIES', '010.0.0.0/8'],
    ['TRUSTED_PROXIES', '10.1'],
    ['TRUSTED_PROXIES', '0x0a000001'],
    ['TRUSTED_PROXIES', '10/8'],
    ['TRUSTED_PROXIES', '10.0.0.0/255.0.0.0'],
    ['TRUSTED_PROXIES', 'fd00::/129'],
    ['TRUSTED_PROXIES', 'fd00::1::/64'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,'],
    ['HSTS', 'true'],
    ['ALLOW_VISITORS', 'yes'],
    ['REDIS_URL', 'http://127.0.0.1'],
    ['MONGO_URI', 'mongo://127.0.0.1'],
    ['ENCRYPTION_KEYS', KEY],
    ['ENCRYPTION_KEYS', `k1:${KEY.slice(4)}`],
    ['ENCRYPTION_KEYS', `k1:${KEY},k1:${KEY}`],
    ['ENCRYPTION_KEYS', `k1:${KEY}, k2: CHANGE_ME`],
    ['ENCRYPTION_KEYS', 'CHANGE_ME'],
    ['ENCRYPTION_KEYS', `k1:${'A'.repeat(43)}=`],
    ['ENCRYPTION_KEYS', `k1:${KEY},k2:46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho=`],
    ['LLM_STREAM_TIMEOUT', '120'],
    ['LLM_STREAM_TIMEOUT', '2 min'],
    ['LLM_STREAM_TIMEOUT', '2h'],
    ['SESSION_IDLE_TIMEOUT', '5m'],
    ['MAX_MESSAGE_SIZE', '64kb'],
    ['MAX_MESSAGE_SIZE', '1000'],
    ['RATE_LIMIT', '-1'],
    ['LOG_LEVEL', 'verbose'],
    ['LLM_PROVIDER_1_TYPE', 'gpt'],
    ['LLM_PROVIDER_1_ID', 'a b'],
    ['LLM_PROVIDER_1_NAME', 'n'.repeat(101)],
    ['LLM_PROVIDER_1_ENDPOINT', 'api.openai.com'],
    ['LLM_PROVIDER_1_ENDPOINT', 'file:///etc/passwd'],
    ['LLM_PROVIDER_1_MAX_TOKENS', '8192'],
  ])('%s=%s is refused by name, without the value', (name, value) => {
    const faults = faultsOf({ ...OPENAI, [name]: value }, 'standalone')
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^[A-Z_0-9]+ /)
    // The fault of a pair may name the other one of it.
    if (name !== 'PORT') expect(faults[0]?.startsWith(`${name} `)).toBe(true)
    if (value.length > 4 && name !== 'MODE') expect(faults[0]).not.toContain(value)
  })
})

describe('good values', () => {
  it.each([
    ['DRAIN_TIMEOUT', '1500ms', { process: { drainTimeoutMs: 1500 } }],
    ['DRAIN_TIMEOUT', '45s', { process: { drainTimeoutMs: 45_000 } }],
    ['SESSION_IDLE_TIMEOUT', '2h', { sessions: { idleTimeoutMs: 7_200_000 } }],
    ['SESSION_IDLE_TIMEOUT', '1d', { sessions: { idleTimeoutMs: 86_400_000 } }],
    ['MAX_MESSAGE_SIZE', '64KiB', { limits: { maxMessageBytes: 65_536 } }],
    ['MAX_MESSAGE_SIZE', '1MiB', { limits: { maxMessageBytes: 1_048_576 } }],
    ['PATH_PREFIX', '/', { server: { pathPrefix: '' } }],
    ['PATH_PREFIX', ' /a/b.c ', { server: { pathPrefix: '/a/b.c' } }],
    [
      'TRUSTED_PROXIES',
      '10.0.0.0/8, ::1, fd00::/8',
      { server: { trustedProxies: ['10.0.0.0/8', '::1', 'fd00::/8'] } },
    ],
    [
      'ALLOWED_ORIGINS',
      'https://a.org, http://b.org:81',
      { server: { allowedOrigins: ['https://a.org', 'http://b.org:81'] } },
    ],
    ['ALLOW_VISITORS', 'false', { auth: { allowVisitors: false } }],
    [
      'ENCRYPTION_KEYS',
      `change-2025:${KEY}`,
      { stores: { encryptionKeys: [{ id: 'change-2025' }] } },
    ],
    [
      'ENCRYPTION_KEYS',
      `example:${KEY}, your-key:${randomBytes(32).toString('hex')}`,
      { stores: { encryptionKeys: [{ id: 'example' }, { id: 'your-key' }] } },
    ],
  ])('%s=%s', (name, value, expected) => {
    expect(readSettings({ [name]: value })).toMatchObject(expected)
  })
})
