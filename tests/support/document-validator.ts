import type { AsyncApiDocument, OpenApiDocument } from '@chatbox/contract'
import { Ajv2020 } from 'ajv/dist/2020.js'

export interface DocumentValidator {
  /** What is wrong with `value` by the schema at `ref`; empty when nothing is. */
  faults(ref: string, value: unknown): string[]
}

/**
 * Judges values by the schemas of a generated document, as a client of another language would, and
 * more strictly: a client bears a field that only a later version documents, a server of this version
 * sends none.
 */
export function createDocumentValidator(
  document: OpenApiDocument | AsyncApiDocument,
): DocumentValidator {
  // `format` needs a package of its own; the schemas state the same as patterns.
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(withoutMoreFields(document), 'document')
  return {
    faults(ref, value) {
      const validate = ajv.getSchema(`document${ref}`)
      if (!validate) throw new Error(`the document has no ${ref}`)
      void validate(value)
      return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
    },
  }
}

function withoutMoreFields<T>(schema: T): T {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) =>
    isOpenObject(value) ? { ...value, additionalProperties: false } : value,
  ) as T
}

function isOpenObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || !('properties' in value)) return false
  return !('additionalProperties' in value)
}
