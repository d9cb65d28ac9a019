import type { openEnums } from '@chatbox/contract'

type Schema = Parameters<typeof openEnums.has>[0]

export interface Visit {
  schema: Schema
  /** Fields and options that lead to it. */
  path: readonly string[]
}

/** Every schema in `value`, a schema or a record of schemas at any depth. */
export function* walkSchemas(value: unknown, path: readonly string[] = []): Generator<Visit> {
  if (!isRecord(value)) return
  if (!isSchema(value)) {
    for (const [name, inner] of Object.entries(value)) yield* walkSchemas(inner, [...path, name])
    return
  }
  yield { schema: value, path }
  for (const [name, inner] of partsOf(value)) {
    yield* walkSchemas(inner, name === '' ? path : [...path, name])
  }
}

/** What an object's schema makes of fields that it does not name: `never` refuses them. */
export function catchallOf(schema: Schema): string | undefined {
  const { def } = schema._zod
  return 'catchall' in def && isSchema(def.catchall) ? def.catchall._zod.def.type : undefined
}

/** The schemas that one consists of, each with the field that it is for. */
function partsOf({ _zod: { def } }: Schema): [string, unknown][] {
  const fields = Object.entries(def) as [string, unknown][]
  return fields.flatMap(([name, part]): [string, unknown][] => {
    if (name === 'shape') return Object.entries(Object(part) as object)
    if (Array.isArray(part)) return part.map((item) => ['', item])
    return isSchema(part) ? [['', part]] : []
  })
}

function isSchema(value: unknown): value is Schema {
  return isRecord(value) && '_zod' in value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
