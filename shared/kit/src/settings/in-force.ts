import { PROVIDER_SETTINGS, toPrefix, type ProviderSettings } from './provider-settings.ts'
import type { Secret } from './setting-types.ts'
import type { Setting, SettingGroup } from './setting.ts'
import { SETTINGS, type SettingValues } from './settings.ts'

/** A setting by its full name, with the value that is in force. */
export interface InForce {
  name: string
  type: Setting['type']
  value: unknown
}

type Values = Readonly<Record<string, unknown>>

export function listInForce(
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

export function secretsOf({ type, value }: InForce): Secret[] {
  return value === undefined ? [] : (type.secretsIn?.(value) ?? [])
}
