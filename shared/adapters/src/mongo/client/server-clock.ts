import type { Db } from 'mongodb'
import { isCommandNotFound } from './errors.ts'

const MAX_AGE_MS = 30_000
/** A measurement with a longer round trip than this is worse than an old one. */
const MAX_ROUND_TRIP_MS = 1000

/**
 * The server's time, as good as half a round trip. Leases are written and judged by it, so neither
 * a process whose clock is wrong nor one whose clock is set steals or loses one: between two
 * measurements the time goes on by the monotonic clock.
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
      // The command's first name, which some compatible servers have alone.
      if (isCommandNotFound(error)) return admin.command({ isMaster: 1 })
      throw error
    })
    const time: unknown = answer.localTime
    if (time instanceof Date) return time
    throw new Error('the server does not state its time')
  }
}
