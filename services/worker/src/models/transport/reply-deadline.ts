import { LlmError } from '@chatbox/core'

/**
 * The time limits of one reply, in milliseconds. Exceeding any of them throws `LLM_TIMEOUT`, except
 * for connecting: a provider that was not reached is `LLM_UNAVAILABLE`.
 */
export interface LlmTimeouts {
  /** Until the provider is connected, TLS included. */
  connectMs: number
  /** From the request to the first sign of an answer. */
  firstTokenMs: number
  /** Between two signs of an answer. */
  idleMs: number
  /**
   * Until the next sign of an answer while the provider keeps the connection alive: with comments,
   * or with events that say nothing. At least the limit for a silent provider applies.
   */
  keptAliveMs: number
  /** From the stated reason for the end to the end itself. */
  endingMs: number
  /** From the request to the end of the reply. */
  totalMs: number
}

export const LLM_TIMEOUTS: LlmTimeouts = {
  connectMs: 5000,
  firstTokenMs: 15_000,
  idleMs: 30_000,
  keptAliveMs: 60_000,
  endingMs: 5000,
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
  #phase: Phase = 'beginning'
  #waitingSince: number | undefined
  #lastLook: NodeJS.Immediate | undefined
  /** When anything at all arrived last. */
  #aliveAt = 0

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

  /** The provider is alive, whatever it has sent. */
  alive(): void {
    this.#aliveAt = performance.now()
  }

  /** Switches to the idle limit after the first sign of an answer. */
  begun(): void {
    if (this.#phase === 'beginning') this.#enter('writing')
  }

  /** Switches to the limit for what may follow a stated ending. */
  ending(): void {
    if (this.#phase !== 'ending') this.#enter('ending')
  }

  /** Stops all timers and detaches from the caller's signal. */
  stop(): void {
    clearTimeout(this.#total)
    clearTimeout(this.#sign)
    clearImmediate(this.#lastLook)
    this.#caller.removeEventListener('abort', this.#onAbort)
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    // The new limit may end before the timer would fire.
    clearTimeout(this.#sign)
    this.#sign = setTimeout(() => this.#checkSign(), this.#limits().silentMs)
  }

  #limits(): { silentMs: number; waitMs: number } {
    const { firstTokenMs, idleMs, keptAliveMs, endingMs } = this.#timeouts
    if (this.#phase === 'ending') return { silentMs: endingMs, waitMs: endingMs }
    const silentMs = this.#phase === 'beginning' ? firstTokenMs : idleMs
    return { silentMs, waitMs: Math.max(silentMs, keptAliveMs) }
  }

  /** All tokens share one timer, which is set again for the remaining time. */
  #checkSign(isLastLook = false): void {
    const { silentMs, waitMs } = this.#limits()
    const now = performance.now()
    const waitedMs = now - (this.#waitingSince ?? now)
    const quietMs = Math.min(waitedMs, now - this.#aliveAt)
    const leftMs = Math.min(silentMs - quietMs, waitMs - waitedMs)
    if (leftMs > 0) this.#sign = setTimeout(() => this.#checkSign(), leftMs)
    // After a blocked event loop, timers run before anything that has arrived is read.
    else if (!isLastLook) this.#lastLook = setImmediate(() => this.#checkSign(true))
    else this.#expire(WAITED_FOR[this.#phase], quietMs >= silentMs ? silentMs : waitMs)
  }

  #expire(what: string, boundMs: number): void {
    const detail = `${what} within ${boundMs} ms`
    this.#controller.abort(new LlmError('LLM_TIMEOUT', detail, { retryable: true }))
  }
}

type Phase = 'beginning' | 'writing' | 'ending'

const WAITED_FOR: Record<Phase, string> = {
  beginning: 'no first token',
  writing: 'no next token',
  ending: 'no end of the stream',
}
