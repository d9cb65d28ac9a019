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
  // Lists: nearly every user has one connection, and a set of one is three times as large.
  const byUser = new Map<string, readonly string[]>()
  let total = 0

  return {
    add(userId, connectionId) {
      const ids = byUser.get(userId) ?? []
      if (ids.includes(connectionId)) return true
      if (total >= MAX_CONNECTIONS) return false
      byUser.set(userId, [...ids, connectionId])
      total++
      return true
    },
    remove(userId, connectionId) {
      const ids = byUser.get(userId)
      if (!ids?.includes(connectionId)) return
      total--
      if (ids.length === 1) byUser.delete(userId)
      else
        byUser.set(
          userId,
          ids.filter((id) => id !== connectionId),
        )
    },
    count: (userId) => byUser.get(userId)?.length ?? 0,
    entries: () => [...byUser].map(([userId, ids]) => [userId, [...ids]]),
    clear() {
      byUser.clear()
      total = 0
    },
  }
}
