import { AppError, type AdapterHooks } from '@chatbox/core'

/** Who listens to what, by name. A listener that throws hurts neither its neighbours nor the bus. */
export interface Listeners<T> {
  /** Undefined when there is no room for one more; else removes it, once. */
  add(name: string, listener: (value: T) => void): (() => void) | undefined
  has(name: string): boolean
  tell(name: string, value: T): void
}

export function createListeners<T>(
  hooks: Pick<AdapterHooks, 'onError'>,
  maxListeners: number,
): Listeners<T> {
  const byName = new Map<string, Set<{ listener: (value: T) => void }>>()
  let count = 0

  return {
    add(name, listener) {
      if (count >= maxListeners) return undefined
      // An entry of its own: the same function may listen twice.
      const entry = { listener }
      const entries = byName.get(name) ?? new Set()
      byName.set(name, entries.add(entry))
      count++
      return () => {
        if (!entries.delete(entry)) return
        count--
        if (entries.size === 0 && byName.get(name) === entries) byName.delete(name)
      }
    },
    has: (name) => byName.has(name),
    tell(name, value) {
      for (const { listener } of [...(byName.get(name) ?? [])]) {
        try {
          listener(value)
        } catch (error) {
          hooks.onError('listener', error)
        }
      }
    },
  }
}

export function tooManyListeners(): AppError {
  return new AppError('UNAVAILABLE', 'This server is watching too many sessions.')
}
