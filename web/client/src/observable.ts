/** Something that changes and tells of it. A state that is set again unchanged is no change. */
export abstract class Observable<T> {
  readonly #listeners = new Set<() => void>()
  #state: T

  constructor(initial: T) {
    this.#state = initial
  }

  get state(): T {
    return this.#state
  }

  /** `listener` is called after each change; the returned function ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  protected setState(state: T): void {
    if (Object.is(state, this.#state)) return
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}
