import { LlmError } from '@chatbox/core'

/** The time limits of one reply, in milliseconds. Exceeding any of them throws `LLM_TIMEOUT`. */
export interface LlmTimeouts {
  /** Until the provider is connected, TLS included. */
  connectMs: number
  /** From the request to the first sign of an answer. */
  firstTokenMs: number
  /** Between two signs of an answer. Keep-alives do not count. */
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
 * Enforces the time limits of one reply with a signal for its request. The limit for the next sign
 * of an answer runs only between `resume` and `pause`, so that a slow reader does not look like a
 * slow provider. The total limit always runs.
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

  /** Starts to wait for the next sign of an answer. */
  resume(): void {
    this.#waitingSince = performance.now()
  }

  pause(): void {
    this.#waitingSince = undefined
  }

  /** Switches to the idle limit after the first sign of an answer. */
  begun(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    // The new limit may end before the timer would fire.
    clearTimeout(this.#sign)
    this.#sign = setTimeout(() => this.#checkSign(), this.#timeouts.idleMs)
  }

  /** Stops all timers and detaches from the caller's signal. */
  stop(): void {
    clearTimeout(this.#total)
    clearTimeout(this.#sign)
    this.#caller.removeEventListener('abort', this.#onAbort)
  }

  /** All tokens share one timer, which is set again for the remaining time. */
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
