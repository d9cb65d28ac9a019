import { isPlaceholder, isPlaceholderSecret } from './secret-strength.ts'
import type { SettingRule } from './setting-rules.ts'
import type { SettingType } from './setting-types.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** What was said for each rule: undefined only where nothing was said and there is no default. */
export type SettingValues<R extends Record<string, SettingRule>> = {
  [N in keyof R]: R[N] extends { type: SettingType<infer T>; default: string }
    ? T
    : R[N] extends { type: SettingType<infer T> }
      ? T | undefined
      : never
}

/**
 * Parses the value of every rule, under `prefix` and the rule's own name. Each fault is one line
 * that begins with the name and never holds the value; a faulty value counts as not given.
 */
export function readValues<R extends Record<string, SettingRule>>(
  env: Env,
  rules: R,
  { prefix, faults }: { prefix: string; faults: string[] },
): SettingValues<R> {
  const values = Object.entries(rules).map(([name, rule]) => {
    const fullName = `${prefix}${name}`
    const given = env[fullName]?.trim()
    const fault = given === undefined ? undefined : valueFault(given, rule)
    if (fault !== undefined) faults.push(`${fullName} ${fault}`)
    return [name, toValue(fault === undefined ? given : undefined, rule)]
  })
  // Each value was made by the schema of the rule of its name, which is what the type says.
  return Object.fromEntries(values) as SettingValues<R>
}

function valueFault(given: string, rule: SettingRule): string | undefined {
  if (given === '') return 'is empty: give it a value or leave it out'
  if (isUnfilled(given, rule)) return 'still holds a placeholder'
  const parsed = rule.type.schema.safeParse(given)
  return parsed.success ? undefined : (parsed.error.issues[0]?.message ?? 'is not valid')
}

function toValue(given: string | undefined, rule: SettingRule): unknown {
  const text = given ?? rule.default
  return text === undefined ? undefined : rule.type.schema.parse(text)
}

function isUnfilled(value: string, rule: SettingRule): boolean {
  if (rule.freeText) return false
  if (rule.secret === true) return isPlaceholderSecret(value)
  if (rule.secret === 'keys') return value.split(',').map(keyOf).some(isPlaceholderSecret)
  if (rule.secret === 'url' && isPlaceholderSecret(passwordOf(value))) return true
  return isPlaceholder(value)
}

/** What follows the id, which may be any word. */
function keyOf(entry: string): string {
  return entry.slice(entry.indexOf(':') + 1).trim()
}

/** The part between `user:` and `@`, also in addresses of several hosts, which `URL` refuses. */
export function passwordOf(address: string): string {
  return /^[a-z+]+:\/\/[^:@/]*:(.*)@/.exec(address)?.[1] ?? ''
}
