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
import { MESSAGE_INDEXES, SESSION_INDEXES } from '../documents.ts'
import { tryStore } from './try-store.ts'

interface Step {
  /** For logs and the schema's document. */
  name: string
  /** The release that brought it. */
  since: string
  /** Does nothing where it was done before, in whole or in part: it may be begun twice at once. */
  run(db: Db): Promise<void>
}

/**
 * `expand`: processes of the release before go on beside it, which adds what they leave alone.
 * `contract`: takes away what the release before no longer uses, so it comes one release after the
 * last one that did. `oldest` is the schema version that such a process has to know at least.
 */
export type SchemaStep = (Step & { kind: 'expand' }) | (Step & { kind: 'contract'; oldest: number })

/**
 * What each version of the database adds to the one before; their number is the version. A step that
 * was released is never changed, a new one is put after it.
 */
export const SCHEMA_STEPS: readonly SchemaStep[] = [
  {
    name: 'create the indexes',
    since: '0.1.0',
    kind: 'expand',
    run: tryAndCreateIndexes,
  },
]

/** Leaves alone what is there. Waits for one that the server builds already. */
export async function createIndexes(db: Db): Promise<void> {
  await db.collection('sessions').createIndexes(SESSION_INDEXES)
  await db.collection('messages').createIndexes(MESSAGE_INDEXES)
}

async function tryAndCreateIndexes(db: Db): Promise<void> {
  await tryStore(db)
  await createIndexes(db)
}

const TIMEOUT_MS = 2500

/**
 * The first index that is not there, or that there is something still to do about; undefined where all
 * are ready. A database may have been restored without them, and anybody may drop one. Takes 8 s at most.
 * Begins no build. Rejects with `UNAVAILABLE` where the store does not answer.
 */
export async function findMissingIndex(db: Db): Promise<string | undefined> {
  const wanted = [
    [db.collection('sessions'), SESSION_INDEXES],
    [db.collection('messages'), MESSAGE_INDEXES],
  ] as const
  for (const [collection, indexes] of wanted) {
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

/** The server lists one that it still builds, or that is another one of that name. */
async function isReady(db: Db): Promise<boolean> {
  return withinDeadline(TIMEOUT_MS, () => createIndexes(db)).then(
    () => true,
    // Whoever then wants them made learns why.
    () => false,
  )
}

/**
 * What a step's failure means for whoever wants it done: an `UnusableStoreError` in one sentence where
 * the server refused it and would again, `UNAVAILABLE` where it may succeed later, and any other
 * error as it is.
 */
export function toStepError(thrown: unknown, step: { name: string }): unknown {
  const error = toStoreError(thrown)
  if (!(error instanceof StoreFault)) return error
  return new UnusableStoreError(`the schema's step "${step.name}" cannot be done, ${error.message}`)
}

/** A step's failure as the other processes learn of it. */
export interface KeptFailure {
  /** Without anything from a document. */
  reason: string
  /** Whether trying again is of no use. */
  isFinal: boolean
}

/** Undefined for what says nothing about the step, such as a signal to end. */
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
