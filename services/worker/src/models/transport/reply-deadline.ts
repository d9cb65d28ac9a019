import { LlmError } from '@chatbox/core'

/** How long one reply may take, in milliseconds; passing any of them throws `LLM_TIMEOUT`. */
export interface LlmTimeouts {
  /** To a connection with the provider, its TLS included. */
  connectMs: number
  /** From the request to the first sign of an answer. */
  firstTokenMs: number
  /** Between two signs of an answer; keep-alives are none. */
  idleMs: number
  /** From the request to the end of the reply. */
  totalMs: number
}

export const LLM_TIMEOUTS: LlmTimeouts = {
  connectMs: 5000,
  firstTokenMs: 15_000,
  idleMs: 30_000,
  totalMs: 120_000,
}

/**
 * The bounds of one reply's time, as a signal to run the request under. The clock for the next sign
 * of an answer runs only between `resume` and `pause`, so that a slow reader of the reply is not
 * taken for a slow provider; the clock for the whole always runs.
 */
export class ReplyDeadline {
  readonly #caller: AbortSignal
  readonly #timeouts: LlmTimeouts
  readonly #controller = new AbortController()
  readonly #total: NodeJS.Timeout
  readonly #onAbort = (): void => this.#controller.abort(this.#caller.reason)
  #sign: NodeJS.Timeout
  #hasBegun = false
  #waitingSince: number | undefined

  constructor(caller: AbortSignal, timeouts: LlmTimeouts) {
    const { firstTokenMs, totalMs } = timeouts
    this.#caller = caller
    this.#timeouts = timeouts
    this.#total = setTimeout(() => this.#expire('no end of the reply', totalMs), totalMs)
    this.#sign = setTimeout(() => this.#checkSign(), firstTokenMs)
    if (caller.aborted) this.#onAbort()
    else caller.addEventListener('abort', this.#onAbort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** An answer is being waited for. */
  resume(): void {
    this.#waitingSince = performance.now()
  }

  pause(): void {
    this.#waitingSince = undefined
  }

  /** The answer has shown itself: from now on the idle bound counts. */
  begun(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    // The bound is another one now, and may end before the timer would have looked.
    clearTimeout(this.#sign)
    this.#sign = setTimeout(() => this.#checkSign(), this.#timeouts.idleMs)
  }

  /** Ends all clocks and lets go of the caller's signal. */
  stop(): void {
    clearTimeout(this.#total)
    clearTimeout(this.#sign)
    this.#caller.removeEventListener('abort', this.#onAbort)
  }

  /** One timer for all tokens: when it fires it is set again for what is left. */
  #checkSign(): void {
    const boundMs = this.#hasBegun ? this.#timeouts.idleMs : this.#timeouts.firstTokenMs
    const waitedMs = this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince
    if (waitedMs >= boundMs)
      this.#expire(this.#hasBegun ? 'no next token' : 'no first token', boundMs)
    else this.#sign = setTimeout(() => this.#checkSign(), boundMs - waitedMs)
  }

  #expire(what: string, boundMs: number): void {
    const detail = `${what} within ${boundMs} ms`
    this.#controller.abort(new LlmError('LLM_TIMEOUT', detail, { retryable: true }))
  }
}
