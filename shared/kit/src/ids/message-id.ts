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
