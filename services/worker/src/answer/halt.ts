/**
 * Why a reply is not written any further: the user said so, another attempt owns it, this process
 * is to hand it over, or its time is up.
 */
export type HaltReason = 'stop' | 'lost' | 'shutdown' | 'timeout'

/** Ends the writing of one reply, once: the first reason counts. */
export class Halt {
  readonly #controller = new AbortController()
  #reason: HaltReason | undefined

  /** A method, not a property: the answer may change with every await. */
  reason(): HaltReason | undefined {
    return this.#reason
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  raise(reason: HaltReason): void {
    if (this.#reason) return
    this.#reason = reason
    this.#controller.abort(new Error(`halted: ${reason}`))
  }
}
