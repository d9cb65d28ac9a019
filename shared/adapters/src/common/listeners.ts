import { AppError, type AdapterHooks } from '@chatbox/core'

const MAX_LISTENERS = 50_000

/** Listeners by name. A listener that throws affects neither the other listeners nor the bus. */
export class Listeners<T> {
  readonly #hooks: Pick<AdapterHooks, 'onError'>
  readonly #maxListeners: number
  readonly #byName = new Map<string, Set<{ listener: (value: T) => void }>>()
  #count = 0

  constructor(hooks: Pick<AdapterHooks, 'onError'>, maxListeners = MAX_LISTENERS) {
    this.#hooks = hooks
    this.#maxListeners = maxListeners
  }

  /**
   * Adds a listener and returns a function that removes it. Throws `UNAVAILABLE` if there is no
   * room for it.
   */
  add(name: string, listener: (value: T) => void): () => void {
    if (this.#count >= this.#maxListeners) {
      throw new AppError('UNAVAILABLE', 'This server is watching too many sessions.')
    }
    // Each listener gets its own entry, because the same function may listen twice.
    const entry = { listener }
    const entries = this.#byName.get(name) ?? new Set()
    this.#byName.set(name, entries.add(entry))
    this.#count++
    return () => {
      if (!entries.delete(entry)) return
      this.#count--
      if (entries.size === 0 && this.#byName.get(name) === entries) this.#byName.delete(name)
    }
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  tell(name: string, value: T): void {
    for (const { listener } of [...(this.#byName.get(name) ?? [])]) {
      try {
        listener(value)
      } catch (error) {
        this.#hooks.onError('listener', error)
      }
    }
  }
}
