import { createHash } from 'node:crypto'

const ID_BYTES = 16

/**
 * The id of a message that a client has named. It is the same on every gateway, so a message that is
 * sent again has the same id. It includes the session and cannot be chosen, so no client can take the
 * id of another entry. It is 22 characters of base64url, like a random id.
 */
export function toMessageId(sessionId: string, clientMessageId: string): string {
  // Neither text contains JSON's separators.
  const named = JSON.stringify([sessionId, clientMessageId])
  return createHash('sha256').update(named).digest().toString('base64url', 0, ID_BYTES)
}

/**
 * Returns an id with a mark of its owner, so that the owner can be checked without the store. The
 * mark is a pseudonym of the owner's id: users see the id, and nobody can try names against it. It
 * is not a secret and grants nothing: an invented id with the same mark does not exist.
 */
export function toOwnedId(id: string, ownerMark: string): string {
  return `${id}.${ownerMark}`
}

/**
 * Returns true if the owner with this mark made the id. Returns false for an id without a mark or
 * with one of an earlier key, also for its owner: the store knows.
 */
export function isOwnedBy(id: string, ownerMark: string): boolean {
  return id.endsWith(`.${ownerMark}`)
}
