import type { Db } from 'mongodb'
import { isCommandNotFound } from './errors.ts'

const MAX_AGE_MS = 30_000
/** Keep the old measurement if the round trip of a new one takes longer than this. */
const MAX_ROUND_TRIP_MS = 1000

/**
 * The server's time, accurate to half a round trip. Leases use this time, so a process with a wrong
 * or adjusted clock neither steals nor loses a lease. Between two measurements the monotonic clock
 * counts.
 */
export class ServerClock {
  readonly #db: Db
  #offsetMs: number | undefined
  #measuredAt = 0
  #measuring: Promise<void> | undefined

  constructor(db: Db) {
    this.#db = db
  }

  async now(): Promise<Date> {
    const age = performance.now() - this.#measuredAt
    if (this.#offsetMs === undefined || age > MAX_AGE_MS) await this.#measureOnce()
    return new Date(performance.now() + (this.#offsetMs ?? 0))
  }

  async #measureOnce(): Promise<void> {
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined
    })
    await this.#measuring
  }

  async #measure(): Promise<void> {
    const sentAt = performance.now()
    const time = await this.#readTime()
    const receivedAt = performance.now()
    if (this.#offsetMs !== undefined && receivedAt - sentAt > MAX_ROUND_TRIP_MS) return
    this.#offsetMs = time.getTime() - (sentAt + receivedAt) / 2
    this.#measuredAt = receivedAt
  }

  async #readTime(): Promise<Date> {
    const admin = this.#db.admin()
    const answer = await admin.command({ hello: 1 }).catch((error: unknown) => {
      // Some compatible servers know only the command's old name.
      if (isCommandNotFound(error)) return admin.command({ isMaster: 1 })
      throw error
    })
    const time: unknown = answer.localTime
    if (time instanceof Date) return time
    throw new Error('the server does not state its time')
  }
}
