export interface Listeners {
  notify: () => void
  /** Called after each change; the returned function ends it. */
  subscribe: (listener: () => void) => () => void
}

export interface Observable<T> extends Omit<Listeners, 'notify'> {
  get(): T
  set(value: T): void
}

export function createListeners(): Listeners {
  const listeners = new Set<() => void>()
  return {
    notify() {
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** One value that can be watched. A value that is set again unchanged is no change. */
export function createObservable<T>(initial: T): Observable<T> {
  const { notify, subscribe } = createListeners()
  let current = initial
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return
      current = value
      notify()
    },
    subscribe,
  }
}
