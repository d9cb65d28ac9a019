export interface Observable<T> {
  get(): T
  set(value: T): void
  /** Called after each change; the returned function ends it. */
  subscribe(listener: () => void): () => void
}

/** One value that can be watched. A value that is set again unchanged is no change. */
export function createObservable<T>(initial: T): Observable<T> {
  const listeners = new Set<() => void>()
  let current = initial
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return
      current = value
      for (const listener of [...listeners]) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
