import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

/** `engine.io`: Engine.IO 4 with Socket.IO 5 in it. `plain`: the same packets without their types. */
export type Dialect = 'engine.io' | 'plain'

export interface LineOptions {
  url: string
  dialect: Dialect
  /** Sent as `auth` of the handshake. */
  token?: string
  /** The text is the payload's JSON, unparsed: whoever needs none of it does not pay for it. */
  onEvent?: (event: string, text: string) => void
  onClose?: () => void
}

const OPEN_TIMEOUT_MS = 30_000
const ANSWER_TIMEOUT_MS = 30_000
const MAX_TRIES = 20
const RETRY_MS = 500

class RefusedError extends Error {
  readonly code: string

  constructor(code: string) {
    super(`refused with ${code}`)
    this.code = code
  }
}

interface Waiting {
  resolve: (answer: unknown) => void
  reject: (error: Error) => void
  timer: NodeJS.Timeout
}

/**
 * One connection of the load client, as light as it can be: the product's own client library would
 * cost more than the server that it measures.
 */
export class Line {
  readonly #options: LineOptions
  readonly #socket: WebSocket
  readonly #waiting = new Map<string, Waiting>()
  readonly #prefix: string
  #lastId = 0

  private constructor(options: LineOptions) {
    this.#options = options
    this.#prefix = options.dialect === 'engine.io' ? '42' : ''
    this.#socket = new WebSocket(options.url, {
      perMessageDeflate: false,
      handshakeTimeout: OPEN_TIMEOUT_MS,
    })
    this.#socket.on('error', () => undefined)
  }

  /** Resolves once the server has let it in. */
  static async open(options: LineOptions): Promise<Line> {
    const line = new Line(options)
    await line.#open()
    return line
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Sends an event that asks for no answer. */
  send(event: string, payload: string): void {
    this.#socket.send(`${this.#prefix}["${event}",${payload}]`)
  }

  /** One event and its answer; rejects where none comes, or one that says no. */
  request<T>(event: string, payload: object): Promise<T> {
    this.#lastId += 1
    const id = String(this.#lastId)
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`no answer to ${event} came in time`))
      }, ANSWER_TIMEOUT_MS)
      this.#waiting.set(id, { resolve: (answer) => resolve(answer as T), reject, timer })
      this.#socket.send(`${this.#prefix}${id}${JSON.stringify([event, payload])}`)
    })
  }

  /**
   * As `request`, and again while the server says that its store is too slow, as every client does:
   * for what prepares a measurement, and only with payloads that mean the same a second time.
   */
  async prepare<T>(event: string, payload: object): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.request<T>(event, payload)
      } catch (error) {
        const isAway = error instanceof RefusedError && error.code === 'UNAVAILABLE'
        if (!isAway || tries === MAX_TRIES) throw error
        await sleep(RETRY_MS)
      }
    }
  }

  /** Reads nothing any more; what is sent here piles up at the other end. */
  stopReading(): void {
    this.#socket.pause()
  }

  close(): void {
    this.#socket.terminate()
  }

  async #open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const timer = setTimeout(
      () => reject(new Error('a connection was not let in')),
      OPEN_TIMEOUT_MS,
    )
    this.#socket.on('message', (data: Buffer) => this.#onFrame(data.toString(), resolve))
    this.#socket.on('close', (code) => {
      reject(new Error(`a connection was closed with ${code}`))
      this.#onClose()
    })
    if (this.#options.dialect === 'plain') this.#socket.once('open', () => resolve(undefined))
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
  }

  #onFrame(frame: string, onOpen: (value: undefined) => void): void {
    if (this.#options.dialect === 'plain') this.#onPacket(frame)
    else if (frame.startsWith('42')) this.#onEvent(frame.slice(2))
    else if (frame.startsWith('43')) this.#onAnswer(frame.slice(2))
    else if (frame === '2') this.#socket.send('3')
    else if (frame.startsWith('40')) onOpen(undefined)
    else if (frame.startsWith('44')) this.#socket.terminate()
    else if (frame.startsWith('0')) {
      this.#socket.send(`40${JSON.stringify({ token: this.#options.token })}`)
    }
  }

  #onPacket(packet: string): void {
    if (packet.startsWith('[')) this.#onEvent(packet)
    else this.#onAnswer(packet)
  }

  #onEvent(packet: string): void {
    const comma = packet.indexOf(',')
    this.#options.onEvent?.(packet.slice(2, comma - 1), packet.slice(comma + 1, -1))
  }

  #onAnswer(packet: string): void {
    const start = packet.indexOf('[')
    const id = packet.slice(0, start)
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    const [answer] = JSON.parse(packet.slice(start)) as [Answer]
    if (answer.ok) waiting.resolve(answer.data)
    else waiting.reject(new RefusedError(answer.error?.code ?? 'nothing'))
  }

  #onClose(): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new Error('the connection was closed'))
    }
    this.#waiting.clear()
    this.#options.onClose?.()
  }
}

interface Answer {
  ok: boolean
  data?: unknown
  error?: { code: string }
}
