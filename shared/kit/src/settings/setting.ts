import type { SettingType } from './setting-types.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** Which program reads the settings: each one needs only a part of them. */
export const PROCESS_KINDS = ['standalone', 'gateway', 'worker', 'migrate'] as const
export type ProcessKind = (typeof PROCESS_KINDS)[number]

/** What a default may depend on. */
export interface Circumstances {
  env: Env
  kind: ProcessKind
  production: boolean
}

interface Rule<T> {
  /** As it would be written; a setting without a default may be left out, or is asked for. */
  default?: string
  /** A default that is not one text. */
  otherwise?: (circumstances: Circumstances) => T
  /** Said in the documentation where the default is not one text. */
  defaultNote?: string
  /** One sentence or two for an operator. */
  about: string
  /** The processes that read it; all of them when left out. */
  usedBy?: readonly ProcessKind[]
}

export interface Setting<T = unknown> extends Rule<T> {
  /** Of its variable in the environment. */
  name: string
  type: SettingType<T>
}

export type SettingGroup = Readonly<Record<string, Setting>>

/** Undefined only where nothing was said and there is no default. */
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
