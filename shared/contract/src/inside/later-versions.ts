/**
 * Lets schemas accept what a later version writes. During an upgrade, processes of two versions
 * share one store and one Redis, and a page may be older than its gateway. Only outside input must
 * match this version exactly: payloads of clients and parameters of routes use `z.strictObject`.
 * Everything else is a `z.object`, which ignores unknown fields, with these helpers for the rest.
 */
import { z } from 'zod'

/** The enums that a later version may extend, each with its fallback for an unknown value. */
export const openEnums = z.registry<{ fallback: string }>()

/** An enum that reads an unknown value of a later version as `fallback`. */
export function openEnum<const T extends readonly [string, ...string[]]>(
  values: T,
  fallback: T[number],
): z.ZodType<T[number]> {
  const known = new Set<unknown>(values)
  return z
    .preprocess(
      (value) => (typeof value === 'string' && !known.has(value) ? fallback : value),
      z.enum(values),
    )
    .register(openEnums, { fallback })
}

/**
 * Returns the same schema for data that is read and written again. Fields and values of a later
 * version are kept at every level. The type does not show them, so copy field by field whatever
 * leaves the system.
 */
export function keepUnknown<T extends z.ZodType>(schema: T): T {
  return rebuild(schema) as T
}

function rebuild(schema: z.core.$ZodType): z.core.$ZodType {
  if (openEnums.has(schema)) return z.string()
  const { def } = (schema as z.core.$ZodTypes)._zod
  const change = (changes: object): z.core.$ZodType => z.core.clone(schema, { ...def, ...changes })
  if (def.type === 'object') {
    const fields = Object.entries(def.shape).map(([name, field]) => [name, rebuild(field)] as const)
    return change({ shape: Object.fromEntries(fields), catchall: z.unknown() })
  }
  if (def.type === 'array') return change({ element: rebuild(def.element) })
  const isWrapper = def.type === 'nullable' || def.type === 'optional'
  return isWrapper ? change({ innerType: rebuild(def.innerType) }) : schema
}
