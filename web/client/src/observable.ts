/** A state with subscribers. Setting the same state again notifies nobody. */
export abstract class Observable<T> {
  readonly #listeners = new Set<() => void>()
  #state: T

  constructor(initial: T) {
    this.#state = initial
  }

  get state(): T {
    return this.#state
  }

  /** Calls `listener` after each change. Returns a function that ends the subscription. */
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
