import { createHash } from 'node:crypto'
import type { AuditEntry, AuditEvent } from '@chatbox/core'
import { z } from 'zod'
import { SealError, toContext, type Cipher } from './key-ring.ts'

/** An entry as it is stored. Nothing in it is a text, so only its hash is sealed. */
const auditRecordSchema = z.object({
  seq: z.int(),
  at: z.string(),
  actor: z.string(),
  action: z.string(),
  sessionId: z.string().nullable(),
  target: z.string().nullable(),
  previous: z.string(),
  hash: z.string(),
  seal: z.string(),
})

export type AuditRecord = z.infer<typeof auditRecordSchema>

/** The end of the chain. An empty chain has seq 0 and no hash. */
export type AuditTail = Pick<AuditRecord, 'seq' | 'hash'>

export const EMPTY_CHAIN: AuditTail = { seq: 0, hash: '' }

/** Makes the entry that follows `tail`. */
export function toAuditRecord(cipher: Cipher, tail: AuditTail, event: AuditEvent): AuditRecord {
  const { at, actor, action, sessionId = null, target = null } = event
  const fields = {
    ...{ seq: tail.seq + 1, at: at.toISOString(), actor, action, sessionId, target },
    previous: tail.hash,
  }
  const hash = hashOf(fields)
  return { ...fields, hash, seal: cipher.seal(hash, toSealContext(fields)) }
}

/** Throws for what was never an entry, because to skip it would hide that something was done to it. */
export function toAuditEntry(cipher: Cipher, stored: unknown): AuditEntry {
  const { seal, sessionId, target, at, ...rest } = auditRecordSchema.parse(stored)
  return {
    ...{ ...rest, at: new Date(at) },
    ...(sessionId === null ? {} : { sessionId }),
    ...(target === null ? {} : { target }),
    state: stateOf(cipher, { ...rest, seal, sessionId, target, at }),
  }
}

function stateOf(cipher: Cipher, record: AuditRecord): AuditEntry['state'] {
  if (hashOf(record) !== record.hash) return 'changed'
  try {
    return cipher.open(record.seal, toSealContext(record)) === record.hash ? 'intact' : 'changed'
  } catch (error) {
    if (error instanceof SealError && error.reason === 'unknown-key') return 'unknown_key'
    return 'changed'
  }
}

/** The order of the fields never changes. */
function hashOf(record: Omit<AuditRecord, 'hash' | 'seal'>): string {
  const { previous, seq, at, actor, action, sessionId, target } = record
  const canonical = JSON.stringify([previous, seq, at, actor, action, sessionId, target])
  return createHash('sha256').update(canonical).digest('base64url')
}

/** A seal opens nowhere else, so no entry can take another one's place. */
function toSealContext({ seq }: Pick<AuditRecord, 'seq'>): string {
  return toContext('audit', String(seq))
}
