import type { Db } from 'mongodb'
import { BOUNDED } from '../client/client.ts'
import { isNamespaceNotFound, withinDeadline } from '../client/deadline.ts'
import { MESSAGE_INDEXES, SESSION_INDEXES } from './indexes.ts'
import { createIndexes } from './steps.ts'

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
