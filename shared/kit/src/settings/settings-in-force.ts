import { PROVIDER_SETTINGS, toPrefix, type ProviderSettings } from './provider-settings.ts'
import { toSecretId } from './secret-strength.ts'
import type { Secret } from './setting-types.ts'
import type { Env, Setting, SettingGroup } from './setting.ts'
import { SETTINGS, type Settings, type SettingValues } from './settings.ts'

/** A setting by its full name, with the value that is in force. */
interface InForce {
  name: string
  type: Setting['type']
  value: unknown
}

type Values = Readonly<Record<string, unknown>>

function listInForce(
  values: SettingValues,
  providers: readonly ProviderSettings[] = [],
): InForce[] {
  const byGroup: Readonly<Record<string, Values>> = values
  return [
    ...Object.entries(SETTINGS).flatMap(([name, group]) => listGroup(group, byGroup[name] ?? {})),
    ...providers.flatMap((provider, index) =>
      listGroup(PROVIDER_SETTINGS, provider, toPrefix(index + 1)),
    ),
  ]
}

function listGroup(group: SettingGroup, values: Values, prefix = ''): InForce[] {
  return Object.entries(group).map(([key, { name, type }]) => {
    return { name: `${prefix}${name}`, type, value: values[key] }
  })
}

function secretsOf({ type, value }: InForce): Secret[] {
  return value === undefined ? [] : (type.secretsIn?.(value) ?? [])
}

/** Prints the settings in force as JSON, by the names of their variables, without secrets. */
export function printConfig(settings: Settings): string {
  const printed = listInForce(settings, settings.providers).map(({ name, type, value }) => {
    return [name, value === undefined ? null : type.print ? type.print(value) : value]
  })
  return JSON.stringify(Object.fromEntries(printed), null, 2)
}

/** A shorter secret may be a common word, and hiding it everywhere would garble the lines. */
const MIN_SECRET_LENGTH = 6

/** Lists every text of the settings that must not be printed. */
export function listSecrets(settings: Settings): string[] {
  return listInForce(settings, settings.providers)
    .flatMap(secretsOf)
    .flatMap(({ text, forms = [text] }) => forms)
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
}

interface NamedSecret {
  name: string
  id: string
  /** Issued by a provider, who may issue one key for two models. */
  isApiKey?: true
}

/**
 * Returns one line for each secret that is used twice: a thief of one has both, and neither can be
 * changed alone. Two models may share the key of their provider.
 */
export function reusedSecrets(env: Env, values: SettingValues): string[] {
  const secrets = [...ownSecrets(values), ...apiKeys(env)]
  return secrets.flatMap((secret, index) => {
    const first = secrets
      .slice(0, index)
      .filter(({ name, isApiKey }) => name !== secret.name && !(isApiKey && secret.isApiKey))
      .find(({ id }) => id === secret.id)
    return first === undefined ? [] : [`${secret.name} is the same secret as ${first.name}`]
  })
}

/** A password that occurs twice in one address is one secret: Sentinel often has its servers'. */
function ownSecrets(values: SettingValues): NamedSecret[] {
  return listInForce(values).flatMap((setting) =>
    secretsOf(setting).map(({ part, text }) => {
      const name = part === undefined ? setting.name : `${setting.name} (${part})`
      return { name, id: toSecretId(text) }
    }),
  )
}

function apiKeys(env: Env): NamedSecret[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && /^LLM_PROVIDER_[1-9]\d?_API_KEY$/.test(name)
      ? [{ name, id: toSecretId(value.trim()), isApiKey: true as const }]
      : [],
  )
}

/**
 * Returns a sentence for each setting that is accepted and may still be wrong. A key set often
 * serves many services of one issuer, and each gets tokens that a user could show here
 * (RFC 8725, 3.8 and 3.9). So may a secret that a site has given to more than one service. That is
 * said in production only, because a secret of its own for chatbox is right too.
 */
export function doubtsAbout({ auth, process }: Settings): string[] {
  const unchecked = [
    ...(auth.issuer === undefined ? [SETTINGS.auth.issuer.name] : []),
    ...(auth.audience === undefined ? [SETTINGS.auth.audience.name] : []),
  ]
  if (unchecked.length === 0) return []
  const names = unchecked.join(' and ')
  const claims = 'are accepted from every issuer and for every service; set what your tokens say'
  if (auth.jwksUrl !== undefined) {
    return [`${names} not set: tokens that JWKS_URL vouches for ${claims}`]
  }
  if (!process.production || auth.jwtSecret === undefined) return []
  return [`${names} not set: tokens that are signed with JWT_SECRET ${claims}`]
}
