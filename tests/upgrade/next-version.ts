/** What the version after this one is taken to write: more, at every level of whatever is written. */
import type { Cipher } from '@chatbox/adapters'

export const ADDED = 'addedByNextVersion'
/** Where this shows in what a process of this version gives out, something was passed on unread. */
export const NEXT_TEXT = 'text of the next version'
/** In the place of a value that this version knows. */
export const NEXT_VALUE = 'of-next-version'

type Fields = Record<string, unknown>

/** A copy with a field more in every object of `value`, however deep. */
export function addFields<T>(value: T): T {
  return mapObjects(value, (object) => ({ ...object, [ADDED]: { text: NEXT_TEXT } })) as T
}

/** A copy without what `addFields` added. */
export function withoutAdded<T>(value: T): T {
  return mapObjects(value, ({ [ADDED]: _, ...object }) => object) as T
}

/** The paths of all objects in `value`, as far as they are not in what was added. */
export function pathsOfObjects(value: unknown, path: readonly string[] = []): string[][] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => pathsOfObjects(item, [...path, String(index)]))
  }
  if (!isFields(value)) return []
  const inner = Object.entries(value)
    .filter(([name]) => name !== ADDED)
    .flatMap(([name, field]) => pathsOfObjects(field, [...path, name]))
  return [[...path], ...inner]
}

/** The paths of all objects in `value` that lack what `addFields` adds. */
export function findUnmarked(value: unknown): string[] {
  return pathsOfObjects(value)
    .filter((path) => !Object.hasOwn(Object(find(value, path)) as object, ADDED))
    .map((path) => path.join('.'))
}

/** A copy with `change` in the place of what is at `path`. */
export function replaceAt<T>(value: T, path: readonly string[], change: unknown): T {
  const [name, ...rest] = path
  if (name === undefined) return change as T
  const inner = replaceAt(find(value, [name]), rest, change)
  if (Array.isArray(value)) return value.with(Number(name), inner) as T
  return { ...value, [name]: inner }
}

export function find(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (Object(at) as Fields)[name], value)
}

/** Seals as the next version does: more in every JSON object. What it opens it leaves as it is. */
export function toNextCipher(cipher: Cipher): Cipher {
  return {
    seal: (text, context) => cipher.seal(addToJson(text), context),
    open: (sealed, context) => cipher.open(sealed, context),
    frames(context) {
      const frames = cipher.frames(context)
      return { ...frames, seal: (text, opening) => frames.seal(addToJson(text), opening) }
    },
  }
}

/** `text` with a field more in every object, where it is JSON. */
export function addToJson(text: string): string {
  try {
    return JSON.stringify(addFields(JSON.parse(text)))
  } catch {
    return text
  }
}

function mapObjects(value: unknown, change: (object: Fields) => Fields): unknown {
  if (Array.isArray(value)) return value.map((item) => mapObjects(item, change))
  if (!isFields(value)) return value
  const fields = Object.entries(value).map(([name, field]) => [
    name,
    name === ADDED ? field : mapObjects(field, change),
  ])
  return change(Object.fromEntries(fields) as Fields)
}

/** Plain objects only: not a date, not a driver's own. */
function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}

/** `target` with some of its methods replaced; the others are its own. */
export function overriding<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const replaced: unknown = Reflect.get(methods, name)
      if (replaced !== undefined) return replaced
      const own: unknown = Reflect.get(target, name)
      return isMethod(own) ? own.bind(target) : own
    },
  })
}

function isMethod(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function'
}
