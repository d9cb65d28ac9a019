import { toAppError, UnusableStoreError } from '@chatbox/core'
import { MongoServerError, type Db } from 'mongodb'
import { BOUNDED, withinDeadline } from '../client/client.ts'
import {
  isNamespaceNotFound,
  StoreFault,
  toReason,
  toStoreError,
  unavailable,
} from '../client/errors.ts'
import { ALERT_INDEXES, ALERT_PLACE_INDEXES } from '../alert-documents.ts'
import { DESK_DRAFT_INDEXES, DESK_ENTRY_INDEXES } from '../desk-documents.ts'
import {
  AUDIT_INDEXES,
  MESSAGE_INDEXES,
  READ_MARK_INDEXES,
  REVOCATION_INDEXES,
  SESSION_INDEXES,
  TICKET_INDEXES,
} from '../documents.ts'
import { tryStore } from './try-store.ts'

interface Step {
  /** For logs and the schema's document. */
  name: string
  /** The release that introduced it. */
  since: string
  /** Skips what was done before, in whole or in part. May run twice at once. */
  run(db: Db): Promise<void>
}

/**
 * `expand` adds something that the previous release ignores, so both can run together. `contract`
 * removes something that the previous release no longer uses, so it comes one release after the
 * last that did. A process must know at least the schema version `oldest`.
 */
export type SchemaStep = (Step & { kind: 'expand' }) | (Step & { kind: 'contract'; oldest: number })

/**
 * The steps from each version of the database to the next. Their number is the version. Never
 * change a released step; add a new one at the end.
 */
export const SCHEMA_STEPS: readonly SchemaStep[] = [
  {
    name: 'create the indexes',
    since: '0.1.0',
    kind: 'expand',
    run: tryAndCreateIndexes,
  },
  {
    name: 'create the indexes of revocations and sign-in tickets',
    since: '0.1.0',
    kind: 'expand',
    run: createIndexes,
  },
  {
    name: "create the indexes of the operators' inbox",
    since: '0.1.0',
    kind: 'expand',
    run: createIndexes,
  },
  {
    name: 'create the indexes of alerts',
    since: '0.1.0',
    kind: 'expand',
    run: createIndexes,
  },
  {
    name: 'create the indexes of the audit log',
    since: '0.1.0',
    kind: 'expand',
    run: createIndexes,
  },
  {
    name: "create the indexes of the operators' logs",
    since: '0.1.0',
    kind: 'expand',
    run: createIndexes,
  },
]

const INDEXES = [
  ['sessions', SESSION_INDEXES],
  ['messages', MESSAGE_INDEXES],
  ['revocations', REVOCATION_INDEXES],
  ['signInTickets', TICKET_INDEXES],
  ['readMarks', READ_MARK_INDEXES],
  ['alerts', ALERT_INDEXES],
  ['alertPlaces', ALERT_PLACE_INDEXES],
  ['audit', AUDIT_INDEXES],
  ['desk_entries', DESK_ENTRY_INDEXES],
  ['desk_drafts', DESK_DRAFT_INDEXES],
] as const

/** Skips existing indexes. Waits for one that the server is building already. */
export async function createIndexes(db: Db): Promise<void> {
  for (const [name, indexes] of INDEXES) await db.collection(name).createIndexes(indexes)
}

async function tryAndCreateIndexes(db: Db): Promise<void> {
  await tryStore(db)
  await createIndexes(db)
}

const TIMEOUT_MS = 2500

/**
 * Returns the first index that is missing or not ready; undefined if all are ready. A restored
 * database may lack some, and anybody may drop one. Takes at most 8 s and starts no build. Rejects
 * with `UNAVAILABLE` if the store does not answer.
 */
export async function findMissingIndex(db: Db): Promise<string | undefined> {
  for (const [name, indexes] of INDEXES) {
    const collection = db.collection(name)
    const listed = await withinDeadline(TIMEOUT_MS, () =>
      collection.indexes(BOUNDED).catch((error: unknown) => {
        if (isNamespaceNotFound(error)) return []
        throw error
      }),
    )
    const missing = indexes.find(({ name }) => !listed.some((index) => index.name === name))
    if (missing) return `the index "${missing.name}" of ${collection.collectionName} is missing`
  }
  return (await isReady(db)) ? undefined : 'an index is not ready'
}

/** The server also lists an index that it is still building, or another one with the same name. */
async function isReady(db: Db): Promise<boolean> {
  return withinDeadline(TIMEOUT_MS, () => createIndexes(db)).then(
    () => true,
    // The process that then tries to create them learns why.
    () => false,
  )
}

/**
 * Converts a step's failure: an `UnusableStoreError` in one sentence if the server refused the step
 * permanently, `UNAVAILABLE` if it may succeed later, or else the same error.
 */
export function toStepError(thrown: unknown, step: { name: string }): unknown {
  const error = toStoreError(thrown)
  if (!(error instanceof StoreFault)) return error
  return new UnusableStoreError(`the schema's step "${step.name}" cannot be done, ${error.message}`)
}

/** A step's failure as it is recorded for other processes. */
export interface KeptFailure {
  /** Contains nothing from a document. */
  reason: string
  /** True if another try is useless. */
  isFinal: boolean
}

/** Returns undefined for an error that says nothing about the step, for example an abort. */
export function keepFailure(error: unknown): KeptFailure | undefined {
  if (error instanceof UnusableStoreError) return { reason: error.message, isFinal: true }
  if (toAppError(error).code !== 'UNAVAILABLE') return undefined
  const { cause } = toAppError(error)
  const reason = cause instanceof MongoServerError ? toReason(cause) : 'no answer'
  return { reason: `a step of the schema failed: ${reason}`, isFinal: false }
}

export function fromKeptFailure({ reason, isFinal }: KeptFailure): Error {
  return isFinal ? new UnusableStoreError(reason) : unavailable(new Error(reason))
}
