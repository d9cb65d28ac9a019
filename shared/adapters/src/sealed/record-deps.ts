import type { AdapterHooks } from '@chatbox/core'
import type { Cipher } from './key-ring.ts'

/** What turning entities into records, and records into entities, needs. */
export interface RecordDeps {
  cipher: Cipher
  hooks: Pick<AdapterHooks, 'onError' | 'onPayloadRefused'>
}

/** The JSON value that was sealed; undefined where it does not open. */
export function openJson(deps: RecordDeps, sealed: unknown, context: string): unknown {
  if (typeof sealed !== 'string') return undefined
  try {
    return JSON.parse(deps.cipher.open(sealed, context))
  } catch {
    return undefined
  }
}

export function sealJson(deps: RecordDeps, value: unknown, context: string): string {
  return deps.cipher.seal(JSON.stringify(value), context)
}
