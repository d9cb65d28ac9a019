import { z } from 'zod'
import {
  activeReplySchema,
  fileRefSchema,
  messageSchema,
  modelSchema,
  personSchema,
  sessionEventSchema,
  sessionSchema,
  replyUsageSchema,
  usageSchema,
  userSchema,
} from '../entities.ts'
import { errorInfoSchema } from '../errors.ts'

export type JsonSchema = Record<string, unknown>

/** Entities that documents refer to by name instead of repeating them. */
const ENTITIES = {
  ActiveReply: activeReplySchema,
  ErrorInfo: errorInfoSchema,
  FileRef: fileRefSchema,
  Message: messageSchema,
  Model: modelSchema,
  Person: personSchema,
  ReplyUsage: replyUsageSchema,
  Session: sessionSchema,
  SessionEvent: sessionEventSchema,
  Usage: usageSchema,
  User: userSchema,
} as const

/**
 * Returns the entities and `schemas` as JSON Schema 2020-12 under `#/components/schemas`, by name.
 * In both, lengths are code points. Rules that JSON Schema cannot express are omitted: text without
 * lone surrogates, content that is not blank, one of two queries. A request that matches the schema
 * may therefore still be refused.
 */
export function toComponentSchemas(schemas: Record<string, z.ZodType>): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries({ ...ENTITIES, ...schemas }))
    registry.add(schema, { id })
  const written = z.toJSONSchema(registry, { uri: refOf, override: leaveOpen }).schemas
  // The document that contains the schemas sets their dialect and address.
  const drop = new Set(['$schema', '$id'])
  return Object.fromEntries(
    Object.entries(written).map(([id, schema]) => [
      id,
      Object.fromEntries(Object.entries(schema).filter(([key]) => !drop.has(key))),
    ]),
  )
}

/**
 * Only what clients send is refused for unknown fields. Clients ignore them in what they receive.
 */
function leaveOpen({ zodSchema, jsonSchema }: Written): void {
  const { def } = zodSchema._zod
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
}

type Written = Parameters<NonNullable<z.core.RegistryToJSONSchemaParams['override']>>[0]

export function refOf(name: string): string {
  return `#/components/schemas/${name}`
}

/** Returns the properties of an object schema, each with whether it is required. */
export function toProperties(
  schema: z.ZodType,
): { name: string; required: boolean; schema: JsonSchema }[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema)
  return Object.entries(properties).map(([name, property]) => ({
    name,
    required: required.includes(name),
    schema: typeof property === 'object' ? { ...property } : {},
  }))
}
