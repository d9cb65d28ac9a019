import type { Values } from './render.ts'

export type Path = readonly string[]

export interface Leaf {
  path: Path
  value: unknown
}

/** Every key that holds no further keys; lists count as one, and so do empty objects. */
export function leavesOf(values: Values, path: Path = []): Leaf[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const own = [...path, key]
    return isBranch(value) ? leavesOf(value, own) : [{ path: own, value }]
  })
}

function isBranch(value: unknown): value is Values {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length > 0 &&
    !Array.isArray(value)
  )
}

/** Values with nothing but `value` in this place. */
export function valuesAt(path: Path, value: unknown): Values {
  return path.toReversed().reduce<unknown>((inner, key) => ({ [key]: inner }), value) as Values
}

/** Other values of the same kind: one more, the opposite of whatever is said, or one letter longer. */
export function toOthers(value: unknown): unknown[] {
  if (typeof value === 'boolean') return [true, false]
  if (typeof value === 'number') return [value + 1]
  if (typeof value !== 'string') throw new Error(`there is no other value of ${typeof value}`)
  const [, number, rest = ''] = /^(\d+)(\D.*)?$/.exec(value) ?? []
  return [number === undefined ? `${value}x` : `${Number(number) + 1}${rest}`]
}
