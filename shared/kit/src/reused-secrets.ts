import { decoded, passwordsOf } from './redaction.ts'
import { toSecretId } from './secret-strength.ts'
import type { SETTING_RULES } from './setting-rules.ts'
import type { Env, SettingValues } from './setting-values.ts'

interface NamedSecret {
  name: string
  id: string
  /** Given by somebody else, who may well give it for two models. */
  isApiKey?: true
}

/**
 * One line for each secret that stands in for a second one: whoever gets hold of it holds both, and
 * neither can be changed alone. Two models may share the key of their provider.
 */
export function reusedSecrets(
  env: Env,
  values: Partial<SettingValues<typeof SETTING_RULES>>,
): string[] {
  const secrets = [...ownSecrets(values), ...backEndPasswords(values), ...apiKeys(env)]
  return secrets.flatMap((secret, index) => {
    const first = secrets
      .slice(0, index)
      .find(({ id, isApiKey }) => id === secret.id && !(isApiKey && secret.isApiKey))
    return first === undefined ? [] : [`${secret.name} is the same secret as ${first.name}`]
  })
}

function ownSecrets({
  JWT_SECRET: secret,
  ENCRYPTION_KEYS: keys = [],
}: Partial<SettingValues<typeof SETTING_RULES>>): NamedSecret[] {
  return [
    ...(secret === undefined ? [] : [{ name: 'JWT_SECRET', id: toSecretId(secret) }]),
    ...keys.map(({ id, key }) => ({
      name: `ENCRYPTION_KEYS (${id})`,
      id: Buffer.from(key).toString('hex'),
    })),
  ]
}

/** The same password twice in one address is one secret: Sentinel is often given its servers'. */
function backEndPasswords(values: Partial<SettingValues<typeof SETTING_RULES>>): NamedSecret[] {
  return (['REDIS_URL', 'MONGO_URI'] as const).flatMap((setting) => {
    const ids = passwordsOf(values[setting] ?? '').map((password) => toSecretId(decoded(password)))
    return [...new Set(ids)].map((id) => ({ name: `${setting} (password)`, id }))
  })
}

function apiKeys(env: Env): NamedSecret[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && /^LLM_PROVIDER_[1-9]\d?_API_KEY$/.test(name)
      ? [{ name, id: toSecretId(value.trim()), isApiKey: true as const }]
      : [],
  )
}
