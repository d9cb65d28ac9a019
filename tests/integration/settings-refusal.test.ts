import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { toConfigurationPage } from '../../scripts/documents/configuration.ts'
import { readFile } from 'node:fs/promises'
import { runEntry } from '../environment/servers/processes.ts'

const GOOD = {
  NODE_ENV: 'production',
  JWT_SECRET: randomBytes(32).toString('base64'),
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  ALLOWED_ORIGINS: 'https://www.site.org',
  LLM_PROVIDER_1_ENDPOINT: 'https://api.models.net/v1',
  LLM_PROVIDER_1_API_KEY: 'sk-marker-0123456789',
  LLM_PROVIDER_1_MODEL: 'large',
}
const CLUSTER = {
  ...GOOD,
  REDIS_URL: 'rediss://app:marker-redis@redis.site.org:6379/0',
  MONGO_URI: 'mongodb://app:marker-mongo@mongo.site.org:27017/?tls=true',
}
const SECRETS = [GOOD.JWT_SECRET, GOOD.ENCRYPTION_KEYS.slice(3), 'marker']

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatbox-settings-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('a process with bad settings', () => {
  it('does not start, lists every fault by name and says no value', async () => {
    const { code, stdout, stderr } = await runEntry('standalone', {
      ...GOOD,
      DATA_DIR: join(folder, 'never'),
      PORT: 'marker-port',
      PUBLIC_URL: 'http://marker.site.org',
      JWT_SECRET: 'marker'.repeat(10),
      ENCRYPTION_KEYS: 'k1:marker',
      LLM_PROVIDER_1_MODEL: '',
      LLM_PROVIDER_1_ENPOINT: 'https://marker.models.net',
      LLM_PROVIDER_2_TYPE: 'dify',
    })
    expect(code).toBe(78)
    expect(stdout).toBe('')
    expect(stderr).not.toContain('marker')
    const names = stderr.trimEnd().split('\n')
    expect(names.map((line) => /^chatbox: ([A-Z_0-9]+) /.exec(line)?.[1])).toEqual([
      'PORT',
      'ENCRYPTION_KEYS',
      'JWT_SECRET',
      'PUBLIC_URL',
      'LLM_PROVIDER_1_MODEL',
      'LLM_PROVIDER_2_ENDPOINT',
      'LLM_PROVIDER_2_API_KEY',
      'LLM_PROVIDER_1_ENPOINT',
    ])
    expect(names.at(-1)).toContain('LLM_PROVIDER_1_ENDPOINT is')
  })

  it.each(['standalone', 'gateway'] as const)(
    "a %s that is to let visitors in under a site's own key set is told so with all the rest",
    async (service) => {
      const { JWT_SECRET, ...others } = service === 'standalone' ? GOOD : CLUSTER
      const env = { ...others, DATA_DIR: join(folder, 'never'), PORT: '0', ALLOWED_ORIGINS: '*' }
      const keySet = { JWKS_URL: 'https://www.site.org/keys.json', ALLOW_VISITORS: 'true' }
      const { code, stderr } = await runEntry(service, { ...env, ...keySet })
      expect(code).toBe(78)
      const lines = stderr.trimEnd().split('\n')
      expect(lines.map((line) => /^chatbox: ([A-Z_0-9]+) /.exec(line)?.[1])).toEqual([
        'PORT',
        'ALLOWED_ORIGINS',
        'ALLOW_VISITORS',
      ])
      expect(stderr).not.toContain(JWT_SECRET)
    },
  )

  it.each(['gateway', 'worker'] as const)('a %s is held to the same rules', async (service) => {
    const { code, stderr } = await runEntry(service, { NODE_ENV: 'production' })
    expect(code).toBe(78)
    expect(stderr).toContain('chatbox: REDIS_URL is missing')
    expect(stderr).toContain('chatbox: MONGO_URI is missing')
    expect(stderr).toContain('chatbox: ENCRYPTION_KEYS is missing')
    expect(stderr.includes('chatbox: JWT_SECRET is missing')).toBe(service === 'gateway')
  })
})

describe('--print-config', () => {
  it.each(['standalone', 'gateway', 'worker'] as const)(
    'prints the settings of a %s without any secret and ends',
    async (service) => {
      const env = service === 'standalone' ? GOOD : CLUSTER
      const { code, stdout, stderr } = await runEntry(service, env, ['--print-config'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      for (const secret of SECRETS) expect(stdout).not.toContain(secret)
      expect(JSON.parse(stdout)).toMatchObject({
        NODE_ENV: 'production',
        JWT_SECRET: '[hidden]',
        ENCRYPTION_KEYS: ['k1:[hidden]'],
        LLM_PROVIDER_1_API_KEY: '[hidden]',
        LLM_PROVIDER_1_ENDPOINT: GOOD.LLM_PROVIDER_1_ENDPOINT,
      })
    },
  )

  it('refuses bad settings as a start does', async () => {
    const { code, stdout, stderr } = await runEntry('standalone', { PORT: '0' }, ['--print-config'])
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    expect(stderr).toMatch(/^chatbox: PORT /)
  })
})

describe('the documentation of the settings', () => {
  it('is what the schema says', async () => {
    for (const [path, text] of Object.entries(await toConfigurationPage())) {
      expect(await readFile(path, 'utf8')).toBe(text)
    }
  })
})
