import type { Db } from 'mongodb'
import { BOUNDED } from '../client.ts'
import { isNamespaceNotFound, withinDeadline } from '../deadline.ts'
import { MESSAGE_INDEXES, SESSION_INDEXES } from './indexes.ts'
import { createIndexes } from './steps.ts'

const TIMEOUT_MS = 2500

/**
 * Whether every index is there and ready, within 8 s. A database may have been restored without them.
 * Begins no build. Rejects with `UNAVAILABLE` where the store does not answer.
 */
export async function hasIndexes(db: Db): Promise<boolean> {
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
    if (!indexes.every(({ name }) => listed.some((index) => index.name === name))) return false
  }
  return isReady(db)
}

/** The server lists one that it still builds, or that is another one of that name. */
async function isReady(db: Db): Promise<boolean> {
  return withinDeadline(TIMEOUT_MS, () => createIndexes(db)).then(
    () => true,
    // Whoever then wants them made learns why.
    () => false,
  )
}
