import { AppError, type Presence } from '@chatbox/core'

const MAX_CONNECTIONS = 100_000

/**
 * The connections to this process. In a single process these are all connections, and none expires.
 */
export class MemoryPresence implements Presence {
  // Lists, because nearly every user has one connection and a set of one is three times as large.
  readonly #byUser = new Map<string, readonly string[]>()
  #total = 0

  async join(userId: string, connectionId: string): Promise<number> {
    const ids = this.#byUser.get(userId) ?? []
    if (ids.includes(connectionId)) return ids.length
    if (this.#total >= MAX_CONNECTIONS) {
      throw new AppError('CONNECTION_LIMIT', 'This server has no room for another connection.')
    }
    this.#byUser.set(userId, [...ids, connectionId])
    this.#total++
    return ids.length + 1
  }

  async leave(userId: string, connectionId: string): Promise<void> {
    const ids = this.#byUser.get(userId) ?? []
    const left = ids.filter((id) => id !== connectionId)
    this.#total -= ids.length - left.length
    if (left.length > 0) this.#byUser.set(userId, left)
    else this.#byUser.delete(userId)
  }

  async refresh(): Promise<void> {
    // Nothing expires.
  }

  async count(userId: string): Promise<number> {
    return this.#byUser.get(userId)?.length ?? 0
  }

  entries(): [userId: string, connectionIds: readonly string[]][] {
    return [...this.#byUser]
  }
}
