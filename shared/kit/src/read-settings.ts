import { needsHttps } from './loopback.ts'
import { readProviders } from './provider-settings.ts'
import { reusedSecrets } from './reused-secrets.ts'
import { weakness } from './secret-strength.ts'
import { SETTING_RULES, type SettingName, type SettingRule } from './setting-rules.ts'
import { readValues, type Env, type SettingValues } from './setting-values.ts'
import type { ProcessKind, Settings } from './settings.ts'

/** Every fault of the settings at once: one line each, by name, never with the value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.faults = faults
  }
}

type Values = SettingValues<typeof SETTING_RULES>

interface Reading {
  env: Env
  kind: ProcessKind
  values: Values
  production: boolean
}

/**
 * The settings of a process of this kind, or a `SettingsError` with all that is wrong. What another
 * kind of process reads is checked where it is given and never asked for. Outside production a
 * standalone process may lack its keys: `addDevelopmentKeys` makes them.
 */
export function readSettings(env: Env, kind: ProcessKind = defaultKind(env)): Settings {
  const faults: string[] = []
  const values = readValues(env, SETTING_RULES, { prefix: '', faults })
  const production = values.NODE_ENV === 'production'
  const reading = { env, kind, values, production }
  const checks = [missingSettings, secretFaults, authFaults, httpsFaults, otherFaults]
  faults.push(...checks.flatMap((check) => check(reading)))
  const providers = kind === 'migrate' ? [] : readProviders(env, { kind, production, faults })
  if (faults.length > 0) throw new SettingsError(faults)
  return toSettings(reading, providers)
}

function defaultKind(env: Env): ProcessKind {
  return env.MODE === 'cluster' ? 'gateway' : 'standalone'
}

function missingSettings({ env, kind, production }: Reading): string[] {
  const needed: { name: SettingName; why: string; when: boolean }[] = [
    { name: 'REDIS_URL', why: 'a cluster needs it', when: true },
    { name: 'MONGO_URI', why: 'a cluster needs it', when: true },
    {
      name: 'ENCRYPTION_KEYS',
      why: 'texts are never stored in the clear',
      when: production || kind !== 'standalone',
    },
    {
      name: 'ALLOWED_ORIGINS',
      why: 'without it no page may connect',
      when: production,
    },
  ]
  return needed
    .filter(({ name, when }) => when && isUsedBy(name, kind) && env[name] === undefined)
    .map(({ name, why }) => `${name} is missing: ${why}`)
}

function isUsedBy(name: SettingName, kind: ProcessKind): boolean {
  const rule: SettingRule = SETTING_RULES[name]
  return rule.usedBy?.includes(kind) ?? true
}

const MIN_SECRET_BYTES = 16
const MIN_PRODUCTION_SECRET_BYTES = 32

function secretFaults({ env, values, production }: Reading): string[] {
  const { JWT_SECRET: secret } = values
  const minBytes = production ? MIN_PRODUCTION_SECRET_BYTES : MIN_SECRET_BYTES
  const weak = secret === undefined ? undefined : weakness(secret, minBytes)
  const faults =
    weak === undefined ? [] : [`JWT_SECRET ${weak}; make one with: openssl rand -base64 32`]
  return production ? [...faults, ...reusedSecrets(env, values)] : faults
}

function authFaults({ env, kind, values, production }: Reading): string[] {
  const faults: string[] = []
  const given = [env.JWT_SECRET, env.JWKS_URL].filter((value) => value !== undefined).length
  if (given === 2) faults.push('JWT_SECRET and JWKS_URL exclude each other: give one of them')
  if (given === 0 && isUsedBy('JWT_SECRET', kind) && (production || kind === 'gateway')) {
    faults.push('JWT_SECRET is missing: give it or JWKS_URL')
  }
  if (values.JWKS_URL !== undefined && needsHttps(values.JWKS_URL, production)) {
    faults.push('JWKS_URL must be https in production')
  }
  if (values.ALLOW_VISITORS && env.JWKS_URL !== undefined) {
    faults.push('ALLOW_VISITORS needs JWT_SECRET: tokens under JWKS_URL are issued elsewhere')
  }
  return faults
}

function httpsFaults({ kind, values, production }: Reading): string[] {
  const faults: string[] = []
  if (production && values.PUBLIC_URL?.startsWith('http://')) {
    faults.push('PUBLIC_URL must be https in production')
  }
  const asksForHttps = values.HSTS !== 'off' && isUsedBy('HSTS', kind)
  if (asksForHttps && !values.PUBLIC_URL?.startsWith('https://')) {
    faults.push('HSTS needs a PUBLIC_URL that is https')
  }
  return faults
}

function otherFaults({ kind, values }: Reading): string[] {
  const faults: string[] = []
  const mode = modeOf(kind)
  if (values.MODE !== undefined && values.MODE !== mode) {
    faults.push(`MODE must be ${mode} for the ${kind} process, or left out`)
  }
  if (isUsedBy('PORT', kind) && values.PORT === values.MANAGEMENT_PORT) {
    faults.push('MANAGEMENT_PORT must differ from PORT')
  }
  if (values.SESSION_IDLE_TIMEOUT < values.RECONNECT_TIMEOUT) {
    faults.push('SESSION_IDLE_TIMEOUT must be at least RECONNECT_TIMEOUT')
  }
  return faults
}

function modeOf(kind: ProcessKind): Settings['mode'] {
  return kind === 'standalone' ? 'standalone' : 'cluster'
}

function toSettings(reading: Reading, providers: Settings['providers']): Settings {
  const { kind, values, production } = reading
  const isTrial = kind === 'standalone' && !production
  return {
    mode: modeOf(kind),
    production,
    host: values.HOST ?? (isTrial ? '127.0.0.1' : '0.0.0.0'),
    port: values.PORT,
    managementPort: values.MANAGEMENT_PORT,
    pathPrefix: values.PATH_PREFIX,
    publicUrl: values.PUBLIC_URL,
    dataDir: values.DATA_DIR,
    redisUrl: values.REDIS_URL,
    mongoUri: values.MONGO_URI,
    mongoDatabase: values.MONGO_DATABASE,
    auth: {
      jwtSecret: values.JWT_SECRET,
      jwksUrl: values.JWKS_URL,
      issuer: values.JWT_ISSUER,
      audience: values.JWT_AUDIENCE,
    },
    encryptionKeys: values.ENCRYPTION_KEYS ?? [],
    allowedOrigins: toOrigins(values),
    trustedProxies: values.TRUSTED_PROXIES ?? [],
    hsts: values.HSTS,
    allowVisitors: values.ALLOW_VISITORS ?? (isTrial && values.JWKS_URL === undefined),
    providers,
    llmFirstTokenTimeoutMs: values.LLM_FIRST_TOKEN_TIMEOUT,
    llmStreamTimeoutMs: values.LLM_STREAM_TIMEOUT,
    llmConcurrency: values.LLM_CONCURRENCY,
    reconnectTimeoutMs: values.RECONNECT_TIMEOUT,
    sessionIdleTimeoutMs: values.SESSION_IDLE_TIMEOUT,
    rateLimit: values.RATE_LIMIT,
    maxConnections: values.MAX_CONNECTIONS,
    maxConnectionsPerUser: values.MAX_CONNECTIONS_PER_USER,
    maxMessageBytes: values.MAX_MESSAGE_SIZE,
    logLevel: values.LOG_LEVEL,
    drainTimeoutMs: values.DRAIN_TIMEOUT,
  }
}

function toOrigins({ ALLOWED_ORIGINS, PUBLIC_URL, PORT }: Values): string[] {
  if (PUBLIC_URL !== undefined) return [...new Set([PUBLIC_URL, ...(ALLOWED_ORIGINS ?? [])])]
  return (
    ALLOWED_ORIGINS ??
    ['localhost', '127.0.0.1', '[::1]'].map((host) => new URL(`http://${host}:${PORT}`).origin)
  )
}
