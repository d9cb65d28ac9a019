import { createHash } from 'node:crypto'

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
