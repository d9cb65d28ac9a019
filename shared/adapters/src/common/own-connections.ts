/** The connections that this process has joined: user id to connection ids. */
export interface OwnConnections {
  /** False when there is no room. */
  add(userId: string, connectionId: string): boolean
  remove(userId: string, connectionId: string): void
  count(userId: string): number
  entries(): [userId: string, connectionIds: string[]][]
  clear(): void
}

const MAX_CONNECTIONS = 100_000

export function createOwnConnections(): OwnConnections {
  const byUser = new Map<string, Set<string>>()
  let total = 0

  return {
    add(userId, connectionId) {
      const ids = byUser.get(userId) ?? new Set()
      if (ids.has(connectionId)) return true
      if (total >= MAX_CONNECTIONS) return false
      byUser.set(userId, ids.add(connectionId))
      total++
      return true
    },
    remove(userId, connectionId) {
      const ids = byUser.get(userId)
      if (!ids?.delete(connectionId)) return
      total--
      if (ids.size === 0) byUser.delete(userId)
    },
    count: (userId) => byUser.get(userId)?.size ?? 0,
    entries: () => [...byUser].map(([userId, ids]) => [userId, [...ids]]),
    clear() {
      byUser.clear()
      total = 0
    },
  }
}
