import { isPlaceholder } from './secret-strength.ts'
import type { Circumstances, GroupValues, Setting, SettingGroup } from './setting.ts'

export interface Reading extends Circumstances {
  /** Put in front of each name. */
  prefix?: string
  /** Takes one line for each fault: it begins with the name and never holds the value. */
  faults: string[]
}

/** The values of all groups, as `readGroup` reads each. */
export function readGroups<G extends Readonly<Record<string, SettingGroup>>>(
  groups: G,
  reading: Reading,
): { [K in keyof G]: GroupValues<G[K]> } {
  const values = Object.entries(groups).map(([key, group]) => [key, readGroup(group, reading)])
  return Object.fromEntries(values) as { [K in keyof G]: GroupValues<G[K]> }
}

/** Parses the value of every setting of a group. A faulty value counts as not given. */
export function readGroup<G extends SettingGroup>(group: G, reading: Reading): GroupValues<G> {
  const values = Object.entries(group).map(([key, setting]) => [key, readValue(setting, reading)])
  // Each value was made by the type of the setting of its key, which is what the result's type says.
  return Object.fromEntries(values) as GroupValues<G>
}

function readValue(setting: Setting, { prefix = '', faults, ...circumstances }: Reading): unknown {
  const name = `${prefix}${setting.name}`
  const given = circumstances.env[name]?.trim()
  const fault = given === undefined ? undefined : valueFault(given, setting.type)
  if (fault !== undefined) faults.push(`${name} ${fault}`)
  const text = (fault === undefined ? given : undefined) ?? setting.default
  return text === undefined ? setting.otherwise?.(circumstances) : setting.type.schema.parse(text)
}

function valueFault(given: string, type: Setting['type']): string | undefined {
  if (given === '') return 'is empty: give it a value or leave it out'
  const isUnfilled = type.isUnfilled ? type.isUnfilled(given) : isPlaceholder(given)
  if (isUnfilled) return 'still holds a placeholder'
  const parsed = type.schema.safeParse(given)
  return parsed.success ? undefined : (parsed.error.issues[0]?.message ?? 'is not valid')
}
