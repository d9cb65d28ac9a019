import type { AsyncApiDocument, OpenApiDocument } from '@chatbox/contract'
import { Ajv2020 } from 'ajv/dist/2020.js'

export interface DocumentValidator {
  /** What is wrong with `value` by the schema at `ref`; empty when nothing is. */
  faults(ref: string, value: unknown): string[]
}

/** Judges values by the schemas of a generated document, as a client of another language would. */
export function createDocumentValidator(
  document: OpenApiDocument | AsyncApiDocument,
): DocumentValidator {
  // `format` needs a package of its own; the schemas state the same as patterns.
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(document, 'document')
  return {
    faults(ref, value) {
      const validate = ajv.getSchema(`document${ref}`)
      if (!validate) throw new Error(`the document has no ${ref}`)
      void validate(value)
      return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
    },
  }
}
