import type { Db } from 'mongodb'
import { MESSAGE_INDEXES, SESSION_INDEXES } from './indexes.ts'
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
