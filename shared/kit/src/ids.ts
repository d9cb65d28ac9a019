import { createHash } from 'node:crypto'

const ID_BYTES = 16

/**
 * The id of a message that a client has named: the same one over whichever gateway it is sent again,
 * so that it is one message by its id alone. The session is part of it and it cannot be chosen, so no
 * client takes the id of another entry. 22 characters of base64url, as those that are drawn.
 */
export function toMessageId(sessionId: string, clientMessageId: string): string {
  // Neither text holds what JSON puts between them.
  const named = JSON.stringify([sessionId, clientMessageId])
  return createHash('sha256').update(named).digest().toString('base64url', 0, ID_BYTES)
}

/** Of a SHA-256, in base64url: 96 bits, which nobody finds a second user id for. */
const MARK_LENGTH = 16

/**
 * An id that says whose it is to whoever knows the owner's id, without a look at the store. It is no
 * secret and no right: a made-up id of the same mark names nothing that is there.
 */
export function toOwnedId(id: string, ownerId: string): string {
  return `${id}.${toMark(ownerId)}`
}

/** False also for an id of somebody's own that was made without a mark. */
export function isOwnedBy(id: string, ownerId: string): boolean {
  return id.endsWith(`.${toMark(ownerId)}`)
}

function toMark(ownerId: string): string {
  return createHash('sha256').update(ownerId).digest('base64url').slice(0, MARK_LENGTH)
}
