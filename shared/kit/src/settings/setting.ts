import { isPlaceholder } from './secret-strength.ts'
import type { SettingType } from './setting-types.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** The programs that read settings. Each needs only some of them. */
export const PROCESS_KINDS = ['standalone', 'gateway', 'worker', 'migrate'] as const
export type ProcessKind = (typeof PROCESS_KINDS)[number]

/** What a default may depend on. */
export interface Circumstances {
  env: Env
  kind: ProcessKind
  production: boolean
}

interface Rule<T> {
  /** The text of the default. A setting without a default is optional or required. */
  default?: string
  /** A default that is not a fixed text. */
  otherwise?: (circumstances: Circumstances) => T
  /** The default in words, for the documentation. */
  defaultNote?: string
  /** One or two sentences for an operator. */
  about: string
  /** The processes that read it; all by default. */
  usedBy?: readonly ProcessKind[]
  /** For a provider's field: the types of provider that require it. */
  neededBy?: readonly string[]
}

export interface Setting<T = unknown> extends Rule<T> {
  /** The name of its environment variable. */
  name: string
  type: SettingType<T>
}

export type SettingGroup = Readonly<Record<string, Setting>>

/** A value is undefined only if the variable is missing and there is no default. */
export type GroupValues<G extends SettingGroup> = {
  [K in keyof G]: G[K] extends { type: SettingType<infer T> }
    ? G[K] extends { default: string } | { otherwise: unknown }
      ? T
      : T | undefined
    : never
}

/** Declares a setting. Its key in the group carries the unit: `drainTimeoutMs`, `maxMessageBytes`. */
export function setting<T, R extends Rule<T>>(
  name: string,
  type: SettingType<T>,
  rule: R,
): { name: string; type: SettingType<T> } & R {
  return { name, type, ...rule }
}

export interface Reading extends Circumstances {
  /** The prefix of each name. */
  prefix?: string
  /** Collects one line per fault. A line begins with the name and never contains the value. */
  faults: string[]
}

/** Reads all groups with `readGroup`. */
export function readGroups<G extends Readonly<Record<string, SettingGroup>>>(
  groups: G,
  reading: Reading,
): { [K in keyof G]: GroupValues<G[K]> } {
  const values = Object.entries(groups).map(([key, group]) => [key, readGroup(group, reading)])
  return Object.fromEntries(values) as { [K in keyof G]: GroupValues<G[K]> }
}

/** Parses the value of every setting of a group. A faulty value counts as missing. */
export function readGroup<G extends SettingGroup>(group: G, reading: Reading): GroupValues<G> {
  const values = Object.entries(group).map(([key, setting]) => [key, readValue(setting, reading)])
  // The type of each key's setting made its value, as the result's type says.
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
