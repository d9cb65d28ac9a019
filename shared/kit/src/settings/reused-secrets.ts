import { listInForce, secretsOf } from './in-force.ts'
import { toSecretId } from './secret-strength.ts'
import type { Env } from './setting.ts'
import type { SettingValues } from './settings.ts'

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

/** The same password twice in one address is one secret: Sentinel is often given its servers'. */
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
