import { setTimeout as sleep } from 'node:timers/promises'
import { socketUrl, WireClient, WireError } from '../../environment/wire-client.ts'
import type { Random } from '../random.ts'

export type Answer =
  | { phase: 'ok'; data: unknown }
  | { phase: 'fail'; code: string; retryable: boolean; retryAfterMs: number }
  /** The request was sent. No answer came, or one that leaves its effect open. */
  | { phase: 'unknown'; code: string; retryAfterMs?: number }

export interface BareWireOptions {
  ports: readonly number[]
  /** Its own gateway. It leaves it only for a while after a connection broke. */
  gateway: number
  token: string
  random: Random
  onReady(): void
  onLost(): void
  onEvent(name: string, payload: unknown): void
}

const HANDSHAKE_TIMEOUT_MS = 5000
const ANSWER_TIMEOUT_MS = 8000
const RETRY_MS = { first: 300, longest: 5000 }
/** Without a way back, all clients end up on the gateway with the oldest fault. */
const AWAY_MS = { low: 5000, high: 15_000 }
const BUSY_MS = 500

/** A store that did not answer in time may still have done the work. */
const AMBIGUOUS = new Set(['TIMEOUT', 'OFFLINE', 'UNAVAILABLE', 'INTERNAL'])
const OFFLINE: Answer = { phase: 'fail', code: 'OFFLINE', retryable: true, retryAfterMs: 0 }

/** A raw connection that moves to the next gateway when it breaks, and back after a while. */
export class BareWire {
  readonly #options: BareWireOptions
  readonly #closing = new AbortController()
  #client: WireClient | undefined
  #isAdmitted = false
  #isGoingHome = false
  #silence: NodeJS.Timeout | undefined
  #way: NodeJS.Timeout | undefined
  gateway: number

  constructor(options: BareWireOptions) {
    this.#options = options
    this.gateway = options.gateway
  }

  get isOpen(): boolean {
    return this.#isAdmitted && this.#client?.isOpen === true
  }

  /** Connects, and reconnects whenever the connection breaks, until `close`. */
  connect(): void {
    void this.#live()
  }

  /** Sends an event and returns its acknowledgement, or why there is none. Never rejects. */
  async request(event: string, payload: object): Promise<Answer> {
    const client = this.#client
    if (!client || !this.isOpen) return OFFLINE
    try {
      return { phase: 'ok', data: await client.request(event, payload) }
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      const { code, retryable, retryAfterMs } = error
      // The gateway does not answer, so try another one.
      if (code === 'TIMEOUT') client.close()
      if (AMBIGUOUS.has(code)) return { phase: 'unknown', code, retryAfterMs }
      return { phase: 'fail', code, retryable, retryAfterMs }
    }
  }

  /** Stops reading, so that data piles up at the other end. */
  stopReading(): void {
    this.#client?.stopReading()
    // The watchdog would not see the pings either.
    clearTimeout(this.#silence)
  }

  goOnReading(): void {
    this.#client?.goOnReading()
    this.#hear()
  }

  close(): void {
    this.#closing.abort()
    this.#client?.close()
  }

  async #live(): Promise<void> {
    const { signal } = this.#closing
    const { random, gateway: home, ports } = this.#options
    let failures = 0
    while (!signal.aborted) {
      const { wasAdmitted, retryAfterMs } = await this.#visit()
      failures = wasAdmitted ? 1 : failures + 1
      this.gateway = this.#isGoingHome ? home : (this.gateway + 1) % ports.length
      this.#isGoingHome = false
      const ceiling = Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** (failures - 1))
      const delayMs = Math.max(retryAfterMs, random.between(0.5, 1) * ceiling)
      await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Runs one connection from start to end. */
  async #visit(): Promise<{ wasAdmitted: boolean; retryAfterMs: number }> {
    const ended = Promise.withResolvers<number>()
    const client = await WireClient.connect(
      socketUrl({ port: this.#options.ports[this.gateway] ?? 0 }),
      {
        openTimeoutMs: HANDSHAKE_TIMEOUT_MS,
        answerTimeoutMs: ANSWER_TIMEOUT_MS,
        onFrame: () => this.#hear(),
        onEvent: (name, text) => this.#options.onEvent(name, JSON.parse(text)),
        onClose: ended.resolve,
      },
    ).catch(() => undefined)
    if (!client) return { wasAdmitted: false, retryAfterMs: 0 }
    this.#client = client
    let retryAfterMs = 0
    try {
      await client.login(this.#options.token)
      this.#onAdmitted()
    } catch (error) {
      if (error instanceof WireError) ({ retryAfterMs } = error)
      client.close()
    }
    if (this.#closing.signal.aborted) client.close()
    await ended.promise
    const wasAdmitted = this.#isAdmitted
    this.#onEnded()
    return { wasAdmitted, retryAfterMs }
  }

  #onAdmitted(): void {
    this.#isAdmitted = true
    const { gateway: home, random } = this.#options
    if (this.gateway !== home) this.#goHomeIn(random.between(AWAY_MS.low, AWAY_MS.high))
    this.#options.onReady()
  }

  #onEnded(): void {
    clearTimeout(this.#silence)
    clearTimeout(this.#way)
    if (this.#isAdmitted) this.#options.onLost()
    this.#isAdmitted = false
  }

  #goHomeIn(delayMs: number): void {
    this.#way = setTimeout(() => {
      if (this.#client?.waiting) {
        this.#goHomeIn(BUSY_MS)
        return
      }
      this.#isGoingHome = true
      this.#client?.close()
    }, delayMs)
  }

  /** A server that does not even send a ping is gone. */
  #hear(): void {
    const { pingInterval, pingTimeout } = this.#client?.handshake ?? {}
    const isKnown = pingInterval !== undefined && pingTimeout !== undefined
    clearTimeout(this.#silence)
    this.#silence = setTimeout(
      () => this.#client?.close(),
      isKnown ? pingInterval + pingTimeout : HANDSHAKE_TIMEOUT_MS,
    )
  }
}
