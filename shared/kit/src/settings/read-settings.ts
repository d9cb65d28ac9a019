import { alertFaults } from '../alerts/alert-faults.ts'
import { isPlaintext } from './backend-tls.ts'
import { operatorFaults } from './operator-settings.ts'
import { readProviders, type ProviderSettings } from './provider-settings.ts'
import { weakness } from './secret-strength.ts'
import { needsHttps } from './setting-types.ts'
import {
  readGroups,
  type Circumstances,
  type Env,
  type ProcessKind,
  type Setting,
} from './setting.ts'
import { reusedSecrets } from './settings-in-force.ts'
import { modeOf, SETTINGS, type Settings, type SettingValues } from './settings.ts'

/** All faults of the settings: one line each, by name, never with the value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.faults = faults
  }
}

interface Reading extends Circumstances {
  values: SettingValues
}

/**
 * Reads the settings of a process of this kind. Throws a `SettingsError` with all faults. A setting
 * of another kind of process is optional, but it is checked if it is set. Outside production a
 * standalone process may lack its keys: `addDevelopmentKeys` creates them.
 */
export function readSettings(env: Env, kind: ProcessKind = defaultKind(env)): Settings {
  const faults: string[] = []
  const circumstances = { env, kind, production: env.NODE_ENV?.trim() === 'production' }
  const values = readGroups(SETTINGS, { ...circumstances, faults })
  const checks = [
    ...[missingSettings, secretFaults, authFaults, httpsFaults, tlsFaults, otherFaults],
    alertFaults,
  ]
  faults.push(...checks.flatMap((check) => check({ ...circumstances, values })))
  const providers = kind === 'migrate' ? [] : readProviders({ ...circumstances, faults })
  faults.push(...unpricedModels(circumstances, values, providers))
  if (faults.length > 0) throw new SettingsError(faults)
  const { server } = values
  return { ...values, server: { ...server, allowedOrigins: toOrigins(server) }, providers }
}

function defaultKind(env: Env): ProcessKind {
  return env.MODE === 'cluster' ? 'gateway' : 'standalone'
}

function missingSettings({ env, kind, production }: Reading): string[] {
  const { server, stores } = SETTINGS
  const needed = [
    { setting: stores.redisUrl, why: 'a cluster needs it', when: true },
    { setting: stores.mongoUri, why: 'a cluster needs it', when: true },
    {
      setting: stores.encryptionKeys,
      why: 'texts are never stored in the clear',
      when: production || kind !== 'standalone',
    },
    {
      setting: server.allowedOrigins,
      why: 'without it no page may connect',
      when: production,
    },
  ]
  return needed
    .filter(({ setting, when }) => when && isUsedBy(setting, kind))
    .filter(({ setting }) => env[setting.name] === undefined)
    .map(({ setting, why }) => `${setting.name} is missing: ${why}`)
}

function isUsedBy({ usedBy }: Setting, kind: ProcessKind): boolean {
  return usedBy?.includes(kind) ?? true
}

const MIN_SECRET_BYTES = 16
const MIN_PRODUCTION_SECRET_BYTES = 32

function secretFaults({ env, values, production }: Reading): string[] {
  const { jwtSecret: secret } = values.auth
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
  if (
    given === 0 &&
    isUsedBy(SETTINGS.auth.jwtSecret, kind) &&
    (production || kind === 'gateway')
  ) {
    faults.push('JWT_SECRET is missing: give it or JWKS_URL')
  }
  if (values.auth.jwksUrl !== undefined && needsHttps(values.auth.jwksUrl, production)) {
    faults.push('JWKS_URL must be https in production')
  }
  if (values.auth.allowVisitors && env.JWKS_URL !== undefined) {
    faults.push('ALLOW_VISITORS needs JWT_SECRET: tokens under JWKS_URL are issued elsewhere')
  }
  return faults
}

function httpsFaults({ kind, values, production }: Reading): string[] {
  const faults: string[] = []
  if (production && values.server.publicUrl?.startsWith('http://')) {
    faults.push('PUBLIC_URL must be https in production')
  }
  const asksForHttps = values.server.hsts !== 'off' && isUsedBy(SETTINGS.server.hsts, kind)
  if (asksForHttps && !values.server.publicUrl?.startsWith('https://')) {
    faults.push('HSTS needs a PUBLIC_URL that is https')
  }
  return faults
}

function tlsFaults({ env, kind, values, production }: Reading): string[] {
  const { stores, server } = values
  if (!production) return []
  const faults = [
    { setting: SETTINGS.stores.redisUrl, address: stores.redisUrl },
    { setting: SETTINGS.stores.mongoUri, address: stores.mongoUri },
  ]
    .filter(({ setting }) => isUsedBy(setting, kind) && !stores.allowPlaintextBackends)
    .filter(({ address }) => address !== undefined && isPlaintext(address))
    .map(
      ({ setting }) =>
        `${setting.name} leads to another machine without TLS: add it, or set ALLOW_PLAINTEXT_BACKENDS=true in a network of your own`,
    )
  const isBehindProxy = server.publicUrl?.startsWith('https://') ?? false
  if (
    isBehindProxy &&
    isUsedBy(SETTINGS.server.trustedProxies, kind) &&
    env.TRUSTED_PROXIES === undefined
  ) {
    faults.push(
      'TRUSTED_PROXIES is missing: name the proxy that makes PUBLIC_URL https, or all users share one address; none if it passes their addresses on',
    )
  }
  return faults
}

function otherFaults({ kind, values, production }: Reading): string[] {
  const faults = operatorFaults(values.operators, production)
  const mode = modeOf(kind)
  if (values.process.mode !== mode) {
    faults.push(`MODE must be ${mode} for the ${kind} process, or left out`)
  }
  if (isUsedBy(SETTINGS.server.port, kind) && values.server.port === values.server.managementPort) {
    faults.push('MANAGEMENT_PORT must differ from PORT')
  }
  if (values.sessions.idleTimeoutMs < values.sessions.reconnectTimeoutMs) {
    faults.push('SESSION_IDLE_TIMEOUT must be at least RECONNECT_TIMEOUT')
  }
  return faults
}

/** A model without prices would be free, and a budget of money would not hold. */
function unpricedModels(
  { kind }: Circumstances,
  { budgets }: SettingValues,
  providers: readonly ProviderSettings[],
): string[] {
  const { userCost, addressCost, siteCost } = budgets
  if (kind === 'gateway' || userCost + addressCost + siteCost === 0) return []
  return providers
    .filter(({ type, inputPrice }) => type !== 'demo' && inputPrice === undefined)
    .map(({ id }) => `model ${id} has no INPUT_PRICE: a budget of money needs it; 0 if it is free`)
}

function toOrigins({ allowedOrigins, publicUrl, port }: SettingValues['server']): string[] {
  if (publicUrl !== undefined) return [...new Set([publicUrl, ...allowedOrigins])]
  if (allowedOrigins.length > 0) return allowedOrigins
  return ['localhost', '127.0.0.1', '[::1]'].map((host) => new URL(`http://${host}:${port}`).origin)
}
