import { PROVIDER_RULES, SETTING_RULES, type SettingRule } from './setting-rules.ts'
import { PROCESS_KINDS } from './settings.ts'

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
    settings: describeRules(SETTING_RULES, ''),
    provider: describeRules(PROVIDER_RULES, 'LLM_PROVIDER_<n>_'),
  }
}

function describeRules(
  rules: Readonly<Record<string, SettingRule>>,
  prefix: string,
): SettingDescription[] {
  return Object.entries(rules).map(([name, rule]) => ({
    name: `${prefix}${name}`,
    type: rule.type.label,
    default: rule.default,
    defaultNote: rule.defaultNote ?? `\`${rule.default ?? ''}\``,
    about: rule.about,
    secret: rule.secret !== undefined,
    usedBy: rule.usedBy ?? PROCESS_KINDS,
  }))
}
