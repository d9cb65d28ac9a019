import { closestMatch } from 'leven'
import { PROVIDER_SETTINGS, toPrefix } from './provider-settings.ts'
import { PROCESS_KINDS, type Env, type SettingGroup } from './setting.ts'
import { SETTINGS } from './settings.ts'

/** A setting as documents and templates show it. */
export interface SettingDescription {
  name: string
  type: string
  /** The text of the default; undefined if the default is not a fixed text. */
  default: string | undefined
  /** The default in words. */
  defaultNote: string
  about: string
  secret: boolean
  usedBy: readonly string[]
  /** The types of provider that require it. */
  neededBy: readonly string[]
}

/**
 * Returns every setting in the order of the documentation. Providers' settings have `<n>` in the
 * name.
 */
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
    neededBy: setting.neededBy ?? [],
  }))
}

export interface MisspelledName {
  name: string
  /** Undefined for a name that can only be ours but is similar to none. */
  meant: string | undefined
}

const FAMILY = 'LLM_PROVIDER_'

/**
 * Finds names in the environment that nothing reads but that look like ours: similar to a known
 * name, or of the providers' family. Other programs' names are ignored.
 */
export function findMisspelledNames(env: Env): MisspelledName[] {
  return Object.keys(env).flatMap((name) => {
    const known = knownNames(name)
    if (known.includes(name)) return []
    const alike = known.filter((candidate) => candidate.startsWith(name.charAt(0)))
    // Short names are similar to many words. Two letters may be wrong, or one in a name of up to
    // five.
    const meant = closestMatch(name, alike, { maxDistance: name.length > 5 ? 2 : 1 })
    return meant !== undefined || name.startsWith(FAMILY) ? [{ name, meant }] : []
  })
}

/** For a provider's name: the fields with the same number. */
function knownNames(name: string): string[] {
  const prefix = /^LLM_PROVIDER_?[1-9]\d?_/.exec(name)?.[0].replace(/_?(\d+)_$/, '_$1_')
  const { settings, provider } = describeSettings()
  return prefix === undefined
    ? settings.map((setting) => setting.name)
    : provider.map((field) => field.name.replace('LLM_PROVIDER_<n>_', prefix))
}
