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
 * Characters of a SHA-256 in base64url. At 96 bits, nobody can find a second user id for the same
 * mark.
 */
const MARK_LENGTH = 16

/**
 * Returns an id with a mark of its owner, so that the owner can be checked without the store. The
 * mark is not a secret and grants nothing: an invented id with the same mark does not exist.
 */
export function toOwnedId(id: string, ownerId: string): string {
  return `${id}.${toMark(ownerId)}`
}

/** Returns false for an id without a mark, also for its owner. */
export function isOwnedBy(id: string, ownerId: string): boolean {
  return id.endsWith(`.${toMark(ownerId)}`)
}

/** Returns 16 characters that stand for a text, the same in every process. Not a secret. */
export function toMark(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, MARK_LENGTH)
}
