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
 * The entities and `schemas` as JSON Schema 2020-12 under `#/components/schemas`, each under its
 * own name. Lengths are code points there as here. What JSON Schema cannot say (text without lone
 * surrogates, content that is not blank, one of two queries) is left out: a document that follows
 * it may still be refused.
 */
export function toComponentSchemas(schemas: Record<string, z.ZodType>): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries({ ...ENTITIES, ...schemas }))
    registry.add(schema, { id })
  const written = z.toJSONSchema(registry, { uri: refOf, override: leaveOpen }).schemas
  // Each schema is part of a document that states the dialect and gives it its address.
  const drop = new Set(['$schema', '$id'])
  return Object.fromEntries(
    Object.entries(written).map(([id, schema]) => [
      id,
      Object.fromEntries(Object.entries(schema).filter(([key]) => !drop.has(key))),
    ]),
  )
}

/** Only what clients send is refused with a field too many: they bear one in what they get. */
function leaveOpen({ zodSchema, jsonSchema }: Written): void {
  const { def } = zodSchema._zod
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
}

type Written = Parameters<NonNullable<z.core.RegistryToJSONSchemaParams['override']>>[0]

export function refOf(name: string): string {
  return `#/components/schemas/${name}`
}

/** Properties of an object schema, each with whether it must be there. */
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
