import type { CheckTime } from './client/connection.ts'
import { unavailable } from './client/errors.ts'

interface Queue {
  tail: Promise<unknown>
  waiting: number
}

export const MAX_WAITING = 500

/**
 * Runs tasks with the same key one after another, and tasks with different keys at once. This
 * avoids collisions between the writers of one process. Between processes the unique index decides.
 */
export class KeyedQueue {
  readonly #queues = new Map<string, Queue>()

  /** Runs `task` in its turn. Rejects without starting it if `checkTime` throws by then. */
  async run<T>(key: string, checkTime: CheckTime, task: () => Promise<T>): Promise<T> {
    const queue = this.#enter(key)
    const before = queue.tail
    const done = Promise.withResolvers<undefined>()
    queue.tail = done.promise
    try {
      await before
      checkTime()
      return await task()
    } finally {
      done.resolve(undefined)
      queue.waiting--
      if (queue.waiting === 0) this.#queues.delete(key)
    }
  }

  #enter(key: string): Queue {
    const queue = this.#queues.get(key) ?? { tail: Promise.resolve(), waiting: 0 }
    if (queue.waiting >= MAX_WAITING) throw unavailable()
    queue.waiting++
    this.#queues.set(key, queue)
    return queue
  }
}
