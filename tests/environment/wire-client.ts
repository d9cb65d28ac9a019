import { once } from 'node:events'
import { WebSocket } from 'ws'

/** `engine.io`: Socket.IO 5 in Engine.IO 4. `plain`: the same packets without their types. */
export type Dialect = 'engine.io' | 'plain'

export interface WireOptions {
  dialect?: Dialect
  headers?: Record<string, string>
  /** Called with each frame before it is parsed; a binary one is `(binary)`. */
  onFrame?: (frame: string) => void
  /**
   * `text` is the payload's JSON. It is not parsed, to save time for callers that do not need it.
   */
  onEvent?: (event: string, text: string) => void
  /** Called once with the close code when an open connection ends. */
  onClose?: (code: number) => void
  openTimeoutMs?: number
  answerTimeoutMs?: number
}

const OPEN_TIMEOUT_MS = 30_000
const ANSWER_TIMEOUT_MS = 30_000

/** A refusal with its code, or `TIMEOUT` or `OFFLINE` if no answer came. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code: string
  readonly retryable: boolean
  readonly retryAfterMs: number

  constructor(code: string, { retryable = false, retryAfterMs = 0 }: Partial<Refusal> = {}) {
    super(`refused with ${code}`)
    this.code = code
    this.retryable = retryable
    this.retryAfterMs = retryAfterMs
  }
}

interface Refusal {
  code: string
  retryable: boolean
  retryAfterMs: number
}

interface Acknowledgement {
  ok: boolean
  data?: unknown
  error?: Partial<Refusal>
}

interface Waiting {
  resolve: (data: unknown) => void
  reject: (error: WireError) => void
  timer: NodeJS.Timeout
}

interface Traffic {
  frames: number
  bytes: number
}

/**
 * A connection on a raw websocket, written from the specifications of Engine.IO and Socket.IO. It
 * shares no code with the product or its libraries. It answers pings and counts frames, nothing
 * more, so it is far cheaper for a load client than the library.
 */
export class WireClient {
  /** Sends frames that no honest client sends. */
  readonly socket: WebSocket
  readonly received: Traffic = { frames: 0, bytes: 0 }
  readonly sent: Traffic = { frames: 0, bytes: 0 }
  /** The server's parameters from its opening; empty before. */
  handshake: { pingInterval?: number; pingTimeout?: number } = {}
  readonly #options: WireOptions
  readonly #isPlain: boolean
  readonly #waiting = new Map<string, Waiting>()
  readonly #opened = Promise.withResolvers<undefined>()
  readonly #admitted = Promise.withResolvers<undefined>()
  #lastId = 0
  #wasOpen = false

  private constructor(url: string, options: WireOptions) {
    const { headers = {}, openTimeoutMs: handshakeTimeout = OPEN_TIMEOUT_MS } = options
    this.#options = options
    this.#isPlain = options.dialect === 'plain'
    this.socket = new WebSocket(url, { headers, handshakeTimeout, perMessageDeflate: false })
    this.socket.once('open', () => (this.#wasOpen = true))
    this.socket.on('message', (data: Buffer, isBinary) => this.#onMessage(data, isBinary))
    this.socket.on('close', (code) => this.#onClose(code))
    for (const { promise } of [this.#opened, this.#admitted]) promise.catch(() => undefined)
  }

  /**
   * Resolves when the server has opened the connection. Rejects with `status NNN REASON` if it
   * refuses.
   */
  static async connect(url: string, options: WireOptions = {}): Promise<WireClient> {
    const client = new WireClient(url, options)
    const refused = Promise.withResolvers<never>()
    client.socket.once('unexpected-response', (request, response) => {
      response.setEncoding('utf8')
      response.once('data', (reason: string) => {
        request.destroy()
        refused.reject(new Error(`status ${response.statusCode ?? 0} ${reason}`))
      })
    })
    await Promise.race([once(client.socket, 'open'), refused.promise])
    client.socket.on('error', () => undefined)
    return client
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  /** Resolves when the server has admitted the user. Rejects with a `WireError` otherwise. */
  async login(token?: string): Promise<void> {
    if (this.#isPlain) return
    const timer = setTimeout(
      () => this.#admitted.reject(new WireError('TIMEOUT')),
      this.#options.openTimeoutMs ?? OPEN_TIMEOUT_MS,
    )
    try {
      await this.#opened.promise
      this.write(`40${JSON.stringify({ token })}`)
      await this.#admitted.promise
    } finally {
      clearTimeout(timer)
    }
  }

  write(frame: string): void {
    this.sent.frames += 1
    this.sent.bytes += Buffer.byteLength(frame)
    this.socket.send(frame)
  }

  /** Sends an event without acknowledgement. The payload is JSON. */
  send(event: string, payload: string): void {
    this.write(`${this.#isPlain ? '' : '42'}["${event}",${payload}]`)
  }

  /**
   * Sends an event and returns its answer. Rejects with a `WireError` if no answer comes or it is a
   * refusal.
   */
  request<T>(event: string, payload: object): Promise<T> {
    this.#lastId += 1
    const id = String(this.#lastId)
    return new Promise<T>((resolve, reject) => {
      if (!this.isOpen) {
        reject(new WireError('OFFLINE'))
        return
      }
      const timer = setTimeout(
        () => this.#take(id)?.reject(new WireError('TIMEOUT')),
        this.#options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
      )
      this.#waiting.set(id, { resolve: (data) => resolve(data as T), reject, timer })
      this.write(`${this.#isPlain ? '' : '42'}${id}${JSON.stringify([event, payload])}`)
    })
  }

  /** The number of requests without an answer yet. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Stops reading, so that data piles up at the other end. */
  stopReading(): void {
    this.socket.pause()
  }

  goOnReading(): void {
    this.socket.resume()
  }

  close(): void {
    this.socket.terminate()
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.received.frames += 1
    this.received.bytes += data.length
    const frame = isBinary ? '(binary)' : data.toString()
    this.#options.onFrame?.(frame)
    if (this.#isPlain) {
      if (frame.startsWith('[')) this.#onEvent(frame)
      else this.#onAnswer(frame)
    } else this.#onFrame(frame)
  }

  #onFrame(frame: string): void {
    if (frame.startsWith('42')) this.#onEvent(frame.slice(2))
    else if (frame.startsWith('43')) this.#onAnswer(frame.slice(2))
    else if (frame === '2') this.write('3')
    else if (frame.startsWith('40')) this.#admitted.resolve(undefined)
    else if (frame.startsWith('44')) this.#onRefused(frame.slice(2))
    else if (frame.startsWith('0')) {
      this.handshake = JSON.parse(frame.slice(1)) as WireClient['handshake']
      this.#opened.resolve(undefined)
    }
  }

  #onRefused(text: string): void {
    const { data = {} } = JSON.parse(text) as { data?: Partial<Refusal> }
    this.#admitted.reject(new WireError(data.code ?? 'NONE', data))
  }

  #onEvent(packet: string): void {
    const comma = packet.indexOf(',')
    this.#options.onEvent?.(packet.slice(2, comma - 1), packet.slice(comma + 1, -1))
  }

  #onAnswer(packet: string): void {
    const start = packet.indexOf('[')
    const waiting = this.#take(packet.slice(0, start))
    if (!waiting) return
    const [{ ok, data, error }] = JSON.parse(packet.slice(start)) as [Acknowledgement]
    if (ok) waiting.resolve(data)
    else waiting.reject(new WireError(error?.code ?? 'NONE', error))
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.timer)
    return waiting
  }

  #onClose(code: number): void {
    for (const { reject } of [this.#opened, this.#admitted]) reject(new WireError('OFFLINE'))
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(new WireError('OFFLINE'))
    if (this.#wasOpen) this.#options.onClose?.(code)
  }
}

/** The websocket address of a server on this machine. */
export function socketUrl(
  { port }: { port: number },
  {
    dialect = 'engine.io',
    pathPrefix = '/chatbox',
  }: { dialect?: Dialect; pathPrefix?: string } = {},
): string {
  const base = `ws://127.0.0.1:${port}`
  return dialect === 'plain' ? base : `${base}${pathPrefix}/socket.io/?EIO=4&transport=websocket`
}
