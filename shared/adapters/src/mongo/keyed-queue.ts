import type { CheckTime } from './client/connection.ts'
import { unavailable } from './client/errors.ts'

interface Queue {
  tail: Promise<unknown>
  waiting: number
}

const MAX_WAITING = 500

/**
 * Runs the tasks of one key one after the other, and those of different keys at once. It saves the
 * writers of one process the collisions with each other; between processes the unique index decides.
 */
export class KeyedQueue {
  readonly #queues = new Map<string, Queue>()

  /** Rejects without beginning `task` where `checkTime` throws once its turn has come. */
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
