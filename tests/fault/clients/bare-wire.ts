import { WebSocket } from 'ws'
import type { Random } from '../random.ts'

export type Answer =
  | { phase: 'ok'; data: unknown }
  | { phase: 'fail'; code: string; retryable: boolean; retryAfterMs: number }
  /** Sent, and no answer came, or one that leaves open whether it was done. */
  | { phase: 'unknown'; code: string; retryAfterMs?: number }

export interface BareWireOptions {
  ports: readonly number[]
  /** Where it belongs; away from there only for a while after a connection broke. */
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
/** Without a way back all clients end up with the gateway whose last fault is the longest ago. */
const AWAY_MS = { low: 5000, high: 15_000 }
const BUSY_MS = 500

const AMBIGUOUS = new Set(['UNAVAILABLE', 'INTERNAL'])

interface Waiting {
  answer(answer: Answer): void
  timer: NodeJS.Timeout
}

/**
 * A connection that speaks Engine.IO 4 and Socket.IO 5 in text frames, written from their
 * specifications and sharing no code with the product or its libraries; it moves on to the next
 * gateway whenever it breaks, and back after a while.
 */
export class BareWire {
  readonly #options: BareWireOptions
  readonly #waiting = new Map<number, Waiting>()
  #socket: WebSocket | undefined
  #isOpen = false
  #isClosed = false
  #failures = 0
  #lastId = 0
  #silenceMs = HANDSHAKE_TIMEOUT_MS
  #silence: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #way: NodeJS.Timeout | undefined
  #isGoingHome = false
  #retryAfterMs = 0
  gateway: number

  constructor(options: BareWireOptions) {
    this.#options = options
    this.gateway = options.gateway
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  connect(): void {
    const port = this.#options.ports[this.gateway] ?? 0
    const url = `ws://127.0.0.1:${port}/chatbox/socket.io/?EIO=4&transport=websocket`
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    })
    this.#socket = socket
    this.#silenceMs = HANDSHAKE_TIMEOUT_MS
    this.#hear()
    socket.on('message', (data: Buffer) => {
      if (socket === this.#socket) this.#onFrame(data.toString())
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (socket === this.#socket) this.#onClose()
    })
  }

  /** One event and its acknowledgement, or why there is none. Never rejects. */
  request(event: string, payload: unknown): Promise<Answer> {
    if (!this.#isOpen) {
      return Promise.resolve({ phase: 'fail', code: 'OFFLINE', retryable: true, retryAfterMs: 0 })
    }
    const id = (this.#lastId += 1)
    return new Promise((answer) => {
      const timer = setTimeout(() => {
        this.#settle(id, { phase: 'unknown', code: 'TIMEOUT' })
        // Whoever does not answer is left for somebody who may.
        this.#drop()
      }, ANSWER_TIMEOUT_MS)
      this.#waiting.set(id, { answer, timer })
      this.#socket?.send(`42${id}${JSON.stringify([event, payload])}`)
    })
  }

  /** Reads nothing any more, so that what is sent here piles up at the other end. */
  stopReading(): void {
    this.#socket?.pause()
    // It would not see the pings either.
    clearTimeout(this.#silence)
  }

  goOnReading(): void {
    this.#socket?.resume()
    this.#hear()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retry)
    clearTimeout(this.#silence)
    clearTimeout(this.#way)
    this.#drop()
  }

  #goHomeIn(delayMs: number): void {
    this.#way = setTimeout(() => {
      if (this.#waiting.size > 0) {
        this.#goHomeIn(BUSY_MS)
        return
      }
      this.#isGoingHome = true
      this.#drop()
    }, delayMs)
  }

  #drop(): void {
    this.#socket?.terminate()
  }

  #onFrame(frame: string): void {
    this.#hear()
    if (frame === '2') this.#socket?.send('3')
    else if (frame.startsWith('0')) this.#onEngineOpen(frame.slice(1))
    else if (frame.startsWith('40')) this.#onAdmitted()
    else if (frame.startsWith('44')) this.#onRefused(frame.slice(2))
    else if (frame.startsWith('42')) this.#onEvent(frame.slice(2))
    else if (frame.startsWith('43')) this.#onAnswer(frame.slice(2))
    else if (frame.startsWith('41')) this.#drop()
  }

  #onEngineOpen(text: string): void {
    const { pingInterval, pingTimeout } = JSON.parse(text) as Record<string, number>
    this.#silenceMs = (pingInterval ?? 25_000) + (pingTimeout ?? 20_000)
    this.#socket?.send(`40${JSON.stringify({ token: this.#options.token })}`)
  }

  #onAdmitted(): void {
    this.#isOpen = true
    this.#failures = 0
    const { gateway: home, random } = this.#options
    if (this.gateway !== home) this.#goHomeIn(random.between(AWAY_MS.low, AWAY_MS.high))
    this.#options.onReady()
  }

  #onRefused(text: string): void {
    const { data } = JSON.parse(text) as { data?: { retryAfterMs?: number } }
    this.#retryAfterMs = data?.retryAfterMs ?? 0
    this.#drop()
  }

  #onEvent(text: string): void {
    const [name, payload] = JSON.parse(text) as [string, unknown]
    this.#options.onEvent(name, payload)
  }

  #onAnswer(text: string): void {
    const start = text.indexOf('[')
    const [answer] = JSON.parse(text.slice(start)) as [RawAnswer]
    this.#settle(Number(text.slice(0, start)), toAnswer(answer))
  }

  #settle(id: number, answer: Answer): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    waiting.answer(answer)
  }

  /** A server that sends not even a ping is gone. */
  #hear(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#drop(), this.#silenceMs)
  }

  #onClose(): void {
    clearTimeout(this.#silence)
    clearTimeout(this.#way)
    const wasOpen = this.#isOpen
    this.#isOpen = false
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id, { phase: 'unknown', code: 'OFFLINE' })
    }
    if (wasOpen) this.#options.onLost()
    if (this.#isClosed) return
    const { gateway: home, ports } = this.#options
    this.gateway = this.#isGoingHome ? home : (this.gateway + 1) % ports.length
    this.#isGoingHome = false
    this.#failures += 1
    const ceiling = Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** (this.#failures - 1))
    const delayMs = Math.max(this.#retryAfterMs, this.#options.random.between(0.5, 1) * ceiling)
    this.#retryAfterMs = 0
    this.#retry = setTimeout(() => this.connect(), delayMs)
  }
}

interface RawAnswer {
  ok: boolean
  data?: unknown
  error?: { code: string; retryable: boolean; retryAfterMs?: number }
}

function toAnswer({ ok, data, error }: RawAnswer): Answer {
  if (ok) return { phase: 'ok', data }
  const { code = 'NONE', retryable = false, retryAfterMs = 0 } = error ?? {}
  // A store that did not answer in time may have done all the same what it was asked to.
  if (AMBIGUOUS.has(code)) return { phase: 'unknown', code, retryAfterMs }
  return { phase: 'fail', code, retryable, retryAfterMs }
}
