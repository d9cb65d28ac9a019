import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { readSettings, SettingsError } from './read-settings.ts'
import type { Env, ProcessKind } from './setting.ts'

const SECRET = randomBytes(32).toString('base64')
const KEY = randomBytes(32).toString('base64')
const OPENAI = {
  LLM_PROVIDER_1_ENDPOINT: 'https://api.openai.com/v1',
  LLM_PROVIDER_1_API_KEY: 'sk-0a1b2c3d4e5f6a7b8c9d',
  LLM_PROVIDER_1_MODEL: 'gpt-x',
}
const PRODUCTION = {
  NODE_ENV: 'production',
  JWT_SECRET: SECRET,
  ENCRYPTION_KEYS: `k1:${KEY}`,
  ALLOWED_ORIGINS: 'https://www.site.org',
  PUBLIC_URL: 'https://chat.site.org',
  TRUSTED_PROXIES: '10.0.0.0/8',
  ...OPENAI,
}
const CLUSTER = {
  ...PRODUCTION,
  REDIS_URL: 'redis://127.0.0.1:6379',
  MONGO_URI: 'mongodb://127.0.0.1:27017',
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

/** The names that the faults begin with. */
function faultyNames(env: Env, kind?: ProcessKind): string[] {
  return faultsOf(env, kind).map((fault) => fault.split(' ')[0] ?? '')
}

describe('a standalone process outside production', () => {
  it('needs no setting at all', () => {
    const settings = readSettings({})
    expect(settings).toMatchObject({
      process: { mode: 'standalone', production: false, drainTimeoutMs: 30_000 },
      server: {
        ...{ host: '127.0.0.1', port: 8080, managementHost: '127.0.0.1', managementPort: 9090 },
        pathPrefix: '/chatbox',
      },
      auth: { allowVisitors: true },
      stores: { encryptionKeys: [] },
      models: { firstTokenMs: 15_000, totalMs: 120_000 },
      sessions: { reconnectTimeoutMs: 900_000 },
      limits: { maxMessageBytes: 65_536 },
    })
    expect(settings.providers).toMatchObject([{ id: 'demo', type: 'demo' }])
  })

  it('lets its own page in, whatever its port', () => {
    expect(readSettings({ PORT: '80' }).server.allowedOrigins).toEqual([
      'http://localhost',
      'http://127.0.0.1',
      'http://[::1]',
    ])
    expect(readSettings({ PUBLIC_URL: 'https://chat.site.org/' }).server.allowedOrigins).toEqual([
      'https://chat.site.org',
    ])
  })
})

describe('production', () => {
  it('starts with everything given', () => {
    const settings = readSettings(PRODUCTION)
    expect(settings).toMatchObject({
      process: { production: true },
      server: { host: '0.0.0.0', managementHost: '127.0.0.1' },
      auth: { allowVisitors: false },
    })
    expect(settings.server.allowedOrigins).toEqual([
      'https://chat.site.org',
      'https://www.site.org',
    ])
    expect(settings.stores.encryptionKeys).toEqual([
      { id: 'k1', key: new Uint8Array(Buffer.from(KEY, 'base64')) },
    ])
    for (const kind of ['gateway', 'worker'] as const) {
      expect(readSettings(CLUSTER, kind)).toMatchObject({ process: { mode: 'cluster' } })
    }
  })

  it.each([
    ['JWT_SECRET', 'standalone'],
    ['ENCRYPTION_KEYS', 'standalone'],
    ['ALLOWED_ORIGINS', 'standalone'],
    ['TRUSTED_PROXIES', 'standalone'],
    ['TRUSTED_PROXIES', 'gateway'],
    ['LLM_PROVIDER_1_ENDPOINT', 'standalone'],
    ['LLM_PROVIDER_1_API_KEY', 'standalone'],
    ['LLM_PROVIDER_1_MODEL', 'worker'],
    ['REDIS_URL', 'gateway'],
    ['MONGO_URI', 'worker'],
    ['JWT_SECRET', 'gateway'],
    ['ENCRYPTION_KEYS', 'worker'],
  ] as const)('does not start without %s (%s)', (name, kind) => {
    const base: Env = kind === 'standalone' ? PRODUCTION : CLUSTER
    expect(faultyNames({ ...base, [name]: undefined }, kind)).toEqual([name])
  })

  it('does not start without a model provider', () => {
    const { NODE_ENV, JWT_SECRET, ENCRYPTION_KEYS, ALLOWED_ORIGINS } = PRODUCTION
    const env = { NODE_ENV, JWT_SECRET, ENCRYPTION_KEYS, ALLOWED_ORIGINS }
    expect(faultyNames(env)).toEqual(['LLM_PROVIDER_1_TYPE'])
    expect(readSettings({ ...env, LLM_PROVIDER_1_TYPE: 'demo' }).providers).toHaveLength(1)
  })

  it.each([
    ['PUBLIC_URL', 'http://chat.site.org'],
    ['JWKS_URL', 'http://login.site.org/keys'],
    ['LLM_PROVIDER_1_ENDPOINT', 'http://models.site.org/v1'],
    ['LLM_PROVIDER_1_ENDPOINT', 'http://127.0.0.1.site.org/v1'],
    ['LLM_PROVIDER_1_ENDPOINT', 'http://[::ffff:10.0.0.1]/v1'],
  ])('wants https of %s', (name, value) => {
    const env = { ...PRODUCTION, ...(name === 'JWKS_URL' ? { JWT_SECRET: undefined } : {}) }
    expect(faultyNames({ ...env, [name]: value })).toEqual([name])
  })

  it.each([
    [undefined, ['HSTS']],
    ['http://chat.site.org', ['HSTS']],
    ['https://chat.site.org', []],
  ])('asks browsers for https alone where the public address is %s: faults %j', (url, faults) => {
    expect(faultyNames({ PUBLIC_URL: url, HSTS: 'host' })).toEqual(faults)
    expect(faultyNames({ PUBLIC_URL: url, HSTS: 'host' }, 'worker')).not.toContain('HSTS')
  })

  it.each(['localhost', '127.0.0.1', '127.1', '[::1]', '[::ffff:127.0.0.1]'])(
    'lets http be to %s, which is this machine',
    (host) => {
      const env = { ...PRODUCTION, LLM_PROVIDER_1_ENDPOINT: `http://${host}:11434/v1` }
      expect(faultsOf(env)).toEqual([])
    },
  )

  it('wants the proxy to be named only where there is one, and only of processes with users', () => {
    const { TRUSTED_PROXIES: _proxies, ...env } = CLUSTER
    expect(faultsOf(env, 'worker')).toEqual([])
    expect(faultsOf({ ...env, PUBLIC_URL: undefined }, 'gateway')).toEqual([])
    expect(faultsOf({ ...env, NODE_ENV: undefined }, 'gateway')).toEqual([])
    const none = readSettings({ ...env, TRUSTED_PROXIES: 'none' }, 'gateway')
    expect(none.server.trustedProxies).toEqual([])
  })

  it.each([
    ['REDIS_URL', 'redis://redis:6379'],
    ['MONGO_URI', 'mongodb://mongo:27017/?authSource=admin'],
  ])('wants TLS of %s, unless it is told otherwise', (name, value) => {
    const env = { ...CLUSTER, [name]: value }
    expect(faultyNames(env, 'worker')).toEqual([name])
    expect(faultsOf({ ...env, ALLOW_PLAINTEXT_BACKENDS: 'true' }, 'worker')).toEqual([])
    expect(faultsOf({ ...env, NODE_ENV: undefined }, 'worker')).toEqual([])
  })

  it('spares a gateway what only workers need, and a worker what only gateways need', () => {
    const { JWT_SECRET: _secret, ALLOWED_ORIGINS: _origins, ...worker } = CLUSTER
    expect(faultsOf(worker, 'worker')).toEqual([])
    const { LLM_PROVIDER_1_API_KEY: _key, ...gateway } = CLUSTER
    expect(faultsOf(gateway, 'gateway')).toEqual([])
  })
})

describe('bad values', () => {
  it.each(['PORT', 'JWT_SECRET', 'PUBLIC_URL', 'LLM_PROVIDER_1_API_KEY', 'JWT_ISSUER'])(
    'an empty %s is refused',
    (name) => {
      expect(faultyNames({ ...OPENAI, [name]: ' ' })).toEqual([name])
    },
  )

  it.each([
    'REPLACE_WITH_A_LONG_RANDOM_SECRET_OF_YOURS',
    'CHANGE_ME_to_something_that_is_long_and_random',
    'changeme-0123456789-abcdefghijklmnopqr',
    'this-is-a-PLACEHOLDER-of-a-real-secret-0123',
    'your-secret-key-here-0123456789-abcdefgh',
    'an-example-secret-0123456789-abcdefghijk',
    'short',
    'correct horse battery staple, and more',
    randomBytes(15).toString('base64'),
    'a'.repeat(64),
    'abcd1234'.repeat(8),
  ])('%s is no secret', (secret) => {
    expect(faultyNames({ JWT_SECRET: secret })).toEqual(['JWT_SECRET'])
    expect(faultsOf({ JWT_SECRET: secret }).join()).not.toContain(secret)
  })

  it('wants 32 bytes of secrets in production, and 16 elsewhere', () => {
    const short = [randomBytes(16).toString('hex'), randomBytes(31).toString('base64url')]
    for (const JWT_SECRET of short) {
      expect(faultsOf({ JWT_SECRET })).toEqual([])
      expect(faultsOf({ ...PRODUCTION, JWT_SECRET })).toEqual([
        expect.stringMatching(/^JWT_SECRET must be at least 32 random bytes/),
      ])
    }
  })

  it('takes keys of every encoding', () => {
    const key = randomBytes(32)
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const { stores } = readSettings({ ENCRYPTION_KEYS: `a:${key.toString(encoding)}` })
      expect(stores.encryptionKeys).toEqual([{ id: 'a', key: new Uint8Array(key) }])
    }
  })

  it('finds placeholders in keys and in passwords of addresses', () => {
    const names = faultyNames(
      {
        ...CLUSTER,
        ALLOW_PLAINTEXT_BACKENDS: 'true',
        LLM_PROVIDER_1_API_KEY: 'your-api-key',
        LLM_PROVIDER_1_ENDPOINT: 'https://your-resource.models.net/v1',
        REDIS_URL: 'redis://user:REPLACE_WITH_PASSWORD@redis:6379',
        MONGO_URI: 'mongodb://app:example@mongo.example.org:27017',
      },
      'worker',
    )
    expect(new Set(names)).toEqual(
      new Set(['LLM_PROVIDER_1_API_KEY', 'LLM_PROVIDER_1_ENDPOINT', 'REDIS_URL', 'MONGO_URI']),
    )
  })

  it('leaves words that only look like placeholders alone', () => {
    const env = {
      ...CLUSTER,
      REDIS_URL: 'rediss://app:s3cr3t@exchange.example.org:6379',
      PUBLIC_URL: 'https://chat.example.org',
      LLM_PROVIDER_1_SYSTEM_PROMPT: 'Explain how to change your-password; give an example.',
    }
    expect(faultsOf(env, 'worker')).toEqual([])
  })

  it('reports all faults together', () => {
    const env = {
      NODE_ENV: 'production',
      PORT: 'x',
      JWT_SECRET: 'short',
      PUBLIC_URL: 'http://chat.site.org',
      LLM_PROVIDER_1_MODEL: 'm',
      LLM_PROVIDER_2_TYPE: 'demo',
      LLM_PROVIDER_2_ID: 'model-1',
    }
    expect(faultyNames(env)).toEqual([
      'PORT',
      'ENCRYPTION_KEYS',
      'ALLOWED_ORIGINS',
      'JWT_SECRET',
      'PUBLIC_URL',
      'LLM_PROVIDER_1_ENDPOINT',
      'LLM_PROVIDER_1_API_KEY',
      'LLM_PROVIDER_2_ID',
    ])
  })
})

describe('identity', () => {
  it('takes a secret or a key set, not both', () => {
    const jwks = { JWKS_URL: 'https://login.site.org/keys' }
    expect(faultyNames({ ...jwks, JWT_SECRET: SECRET })).toEqual(['JWT_SECRET'])
    expect(readSettings(jwks)).toMatchObject({ auth: { allowVisitors: false } })
    expect(faultyNames({ ...jwks, ALLOW_VISITORS: 'true' })).toEqual(['ALLOW_VISITORS'])
  })
})

describe('budgets', () => {
  const SOME = { BUDGET_SITE_COST: '20', ...PRODUCTION }
  const PRICES = { LLM_PROVIDER_1_INPUT_PRICE: '0.15', LLM_PROVIDER_1_OUTPUT_PRICE: '0.6' }

  it('limit only visitors by default, and only in production', () => {
    const none = { userTokens: 0, userCost: 0, addressCost: 0, siteTokens: 0, siteCost: 0 }
    expect(readSettings({}).budgets).toEqual({ ...none, addressTokens: 0 })
    expect(readSettings(PRODUCTION).budgets).toEqual({ ...none, addressTokens: 2_000_000 })
    expect(readSettings({ ...PRODUCTION, BUDGET_ADDRESS_TOKENS: '0' }).budgets).toEqual({
      ...none,
      addressTokens: 0,
    })
  })

  it('are in millionths, and so are prices, so that sums are exact', () => {
    const { budgets, providers } = readSettings({ ...SOME, ...PRICES })
    expect(budgets.siteCost).toBe(20_000_000)
    expect(providers[0]).toMatchObject({ inputPrice: 150_000, outputPrice: 600_000 })
  })

  it('of money need a price of every model, in the processes that ask models', () => {
    const [fault = '', ...others] = faultsOf(SOME)
    expect(fault).toContain('INPUT_PRICE')
    expect(fault).toContain('model-1')
    expect(others).toEqual([])
    expect(faultsOf({ ...SOME, ...PRICES })).toEqual([])
    const free = { LLM_PROVIDER_1_INPUT_PRICE: '0', LLM_PROVIDER_1_OUTPUT_PRICE: '0' }
    expect(faultsOf({ ...SOME, ...free })).toEqual([])
    expect(faultsOf({ ...CLUSTER, BUDGET_USER_COST: '1' }, 'worker')).toHaveLength(1)
    expect(faultsOf({ ...CLUSTER, BUDGET_USER_COST: '1' }, 'gateway')).toEqual([])
    expect(faultsOf({ ...PRODUCTION, BUDGET_SITE_TOKENS: '5' })).toEqual([])
  })

  it('take both prices or neither', () => {
    expect(faultyNames({ ...PRODUCTION, LLM_PROVIDER_1_INPUT_PRICE: '1' })).toEqual([
      'LLM_PROVIDER_1_INPUT_PRICE',
    ])
  })

  it.each(['-1', '1e3', '0.1234567', '1,5', '.5', 'Infinity'])('refuse an amount of %s', (text) => {
    expect(faultyNames({ BUDGET_SITE_COST: text })).toEqual(['BUDGET_SITE_COST'])
  })
})
