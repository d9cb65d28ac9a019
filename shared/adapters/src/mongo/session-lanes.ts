import type { CheckTime } from './client/connection.ts'
import { unavailable } from './client/errors.ts'

interface Lane<Carried> {
  tail: Promise<unknown>
  waiting: number
  carried: Carried | undefined
}

const MAX_WAITING = 500

/**
 * Runs the tasks of one key one after the other, and those of different keys at once. It saves
 * writers of one process the collisions with each other, and hands each what the one before has
 * learnt; between processes the unique index decides.
 */
export class SessionLanes<Carried> {
  readonly #lanes = new Map<string, Lane<Carried>>()

  /** `carried` is what the task before has left; undefined where none ran just now, or failed. */
  async run<T>(
    key: string,
    checkTime: CheckTime,
    task: (carried: Carried | undefined) => Promise<{ result: T; carry: Carried }>,
  ): Promise<T> {
    const lane = this.#enter(key)
    const before = lane.tail
    const done = Promise.withResolvers<undefined>()
    lane.tail = done.promise
    try {
      await before
      checkTime()
      const { carried } = lane
      lane.carried = undefined
      const { result, carry } = await task(carried)
      lane.carried = carry
      return result
    } finally {
      done.resolve(undefined)
      lane.waiting--
      if (lane.waiting === 0) this.#lanes.delete(key)
    }
  }

  #enter(key: string): Lane<Carried> {
    let lane = this.#lanes.get(key)
    if (!lane) {
      lane = { tail: Promise.resolve(), waiting: 0, carried: undefined }
      this.#lanes.set(key, lane)
    }
    if (lane.waiting >= MAX_WAITING) throw unavailable()
    lane.waiting++
    return lane
  }
}
