import { AppError, type Presence } from '@chatbox/core'
import { createOwnConnections } from '../common/own-connections.ts'

/** Presence of a single process: every connection there is was joined here, so none expires. */
export function createMemoryPresence(): Presence {
  const own = createOwnConnections()
  return {
    async join(userId, connectionId) {
      if (!own.add(userId, connectionId)) {
        throw new AppError('CONNECTION_LIMIT', 'This server has no room for another connection.')
      }
      return own.count(userId)
    },
    leave: async (userId, connectionId) => own.remove(userId, connectionId),
    async refresh() {
      // Nothing expires.
    },
    count: async (userId) => own.count(userId),
    close: async () => own.clear(),
  }
}
