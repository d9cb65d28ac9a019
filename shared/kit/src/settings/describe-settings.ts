import { PROVIDER_SETTINGS, toPrefix } from './provider-settings.ts'
import { PROCESS_KINDS, type SettingGroup } from './setting.ts'
import { SETTINGS } from './settings.ts'

/** One setting as documents and templates show it. */
export interface SettingDescription {
  name: string
  type: string
  /** As it would be written; undefined where the default is not one text. */
  default: string | undefined
  /** The default in words. */
  defaultNote: string
  about: string
  secret: boolean
  usedBy: readonly string[]
}

/** Every setting, in the order of the documentation; those of providers with `<n>` in the name. */
export function describeSettings(): {
  settings: SettingDescription[]
  provider: SettingDescription[]
} {
  return {
    settings: Object.values(SETTINGS).flatMap((group) => describeGroup(group)),
    provider: describeGroup(PROVIDER_SETTINGS, toPrefix('<n>')),
  }
}

function describeGroup(group: SettingGroup, prefix = ''): SettingDescription[] {
  return Object.values(group).map((setting) => ({
    name: `${prefix}${setting.name}`,
    type: setting.type.label,
    default: setting.default,
    defaultNote: setting.defaultNote ?? `\`${setting.default ?? ''}\``,
    about: setting.about,
    secret: setting.type.secretsIn !== undefined,
    usedBy: setting.usedBy ?? PROCESS_KINDS,
  }))
}
