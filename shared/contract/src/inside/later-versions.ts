/**
 * What makes a schema bear what a later version writes. Processes of two versions work on one store
 * and one Redis while the one replaces the other, and a page outlives the gateway that it came from.
 * Only what comes from outside is held to exactly what this version knows: `z.strictObject`, for the
 * payloads of clients and the parameters of routes. Everything else is a `z.object`, which ignores
 * fields that it does not know, with these for the rest.
 */
import { z } from 'zod'

/** The enums that a later version may extend, each with what stands for a value that is not known. */
export const openEnums = z.registry<{ fallback: string }>()

/** An enum that is read as `fallback` where a later version wrote a value of its own. */
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
 * The same schema for what is read in order to be written again: fields and values of a later
 * version stay as they are, at every level. The type says nothing of them, so what leaves the system
 * has to be taken out of it by name.
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
