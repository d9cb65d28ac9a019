import type {
  Ack,
  ClientData,
  ClientEvent,
  ClientPayload,
  ErrorInfo,
  HandshakeAuth,
  ServerToClientEvents,
} from '@chatbox/contract'
import { io, type Socket } from 'socket.io-client'
import { Observable } from '../observable.ts'
import { RequestError, type RequestErrorCode } from './request.ts'
import { Timer } from '../timer.ts'
import type { GetToken } from './token.ts'

/**
 * `draining`: connected, but about to move to another server. `refused`: the server rejects this
 * user, and retrying is useless until something changes.
 */
export type ConnectionStatus =
  'connecting' | 'online' | 'draining' | 'offline' | 'refused' | 'closed'

export interface ConnectionState {
  status: ConnectionStatus
  /** The error of the last try. */
  code?: RequestErrorCode
  /** Milliseconds until the next try, counted from the beginning of this state. */
  retryInMs?: number
}

interface ConnectionOptions {
  /** The URL of the page's folder, including the path prefix, without a trailing slash. */
  baseUrl: string
  getToken: GetToken
  /** Returns numbers in [0, 1). */
  random?: () => number
}

export type RequestEvent = Exclude<ClientEvent, 'typing'>
type EventName = keyof ServerToClientEvents

const ACK_TIMEOUT_MS = 8000
const CONNECT_TIMEOUT_MS = 10_000
/** Spreads out clients that were told to move at the same time. */
const DRAIN_JITTER_MS = 1000
const STABLE_MS = 5000
/** How many new tokens may be refused in a row before it gives up. */
const MAX_REFUSALS = 3

/**
 * A Socket.IO connection that reconnects by itself. It does not use the library's reconnects
 * because the library gives up after a refused handshake or a disconnect by the server.
 */
export class Connection extends Observable<ConnectionState> {
  readonly #socket: Socket
  readonly #options: Required<ConnectionOptions>
  readonly #timer: Timer
  #refusals = 0
  #renew = false
  #drainUntil = 0
  /** The last event, if it is an error. Directly before a disconnect it is the reason. */
  #lastWords: ErrorInfo | undefined
  #onlineSince = 0

  constructor(options: ConnectionOptions) {
    super({ status: 'connecting' })
    this.#options = { random: Math.random, ...options }
    this.#timer = new Timer(this.#options.random)
    const { origin, pathname } = new URL(`${options.baseUrl}/socket.io`)
    this.#socket = io(origin, {
      path: pathname,
      transports: ['websocket'],
      reconnection: false,
      autoConnect: false,
      timeout: CONNECT_TIMEOUT_MS,
      forceNew: true,
      auth: (give) => void this.#authenticate(give),
    })
    this.#socket.on('connect', () => this.#onConnect())
    this.#socket.on('disconnect', (reason) => this.#onDisconnect(reason))
    this.#socket.onAny((event: string, payload: ErrorInfo) => {
      this.#lastWords = event === 'error' ? payload : undefined
    })
    this.#socket.on('connect_error', (error: unknown) => this.#onRefused(error))
    this.on('server:draining', ({ reconnectAfterMs }) => this.#onDraining(reconnectAfterMs))
    this.on('token:expiring', () => void this.#refreshToken())
  }

  on<E extends EventName>(event: E, listener: ServerToClientEvents[E]): () => void {
    // The library cannot resolve the listener's type while the event is a type parameter.
    const name: string = event
    this.#socket.on(name, listener)
    return () => void this.#socket.off(name, listener)
  }

  /** Connects now, even while it waits for the next try. */
  connect(): void {
    if (this.#socket.connected || this.state.status === 'closed') return
    this.#timer.stop()
    if (this.state.status === 'refused') this.#refusals = 0
    this.setState({ status: 'connecting' })
    this.#socket.connect()
  }

  /**
   * Sends an event and waits at most 8 s for its acknowledgement. Rejects with `RequestError`: the
   * server's error, `OFFLINE` without a connection, or `TIMEOUT` without an answer. After a
   * time-out the connection counts as broken and is replaced.
   */
  async request<E extends RequestEvent>(
    event: E,
    payload: ClientPayload<E>,
  ): Promise<ClientData<E>> {
    if (!this.#socket.connected) throw offline()
    const sent = this.#socket.timeout(ACK_TIMEOUT_MS).emitWithAck(event, payload)
    const answer = (await sent.catch(() => {
      throw this.#onSilence()
    })) as Ack<ClientData<E>>
    if (answer.ok) return answer.data
    throw new RequestError(answer.error)
  }

  /** Tells others that this user is typing. Its loss is harmless. */
  sendTyping(payload: ClientPayload<'typing'>): void {
    if (this.#socket.connected) this.#socket.volatile.emit('typing', payload)
  }

  /** Reconnects with the current token because it belongs to another user. */
  restart(): void {
    if (this.#socket.connected) this.#socket.disconnect()
  }

  /** Idempotent. */
  close(): void {
    this.#timer.stop()
    this.setState({ status: 'closed' })
    this.#socket.disconnect()
  }

  #onSilence(): RequestError {
    if (!this.#socket.connected) return offline()
    this.#socket.io.engine.close()
    const message = 'The server did not answer in time.'
    return new RequestError({ code: 'TIMEOUT', message, retryable: true })
  }

  async #authenticate(give: (auth: HandshakeAuth) => void): Promise<void> {
    try {
      const token = await this.#options.getToken({ renew: this.#renew })
      this.#renew = false
      if (this.state.status !== 'closed') give({ token })
    } catch (error) {
      this.#socket.disconnect()
      this.#onRefused(error)
    }
  }

  async #refreshToken(): Promise<void> {
    try {
      await this.request('token:refresh', { token: await this.#options.getToken({ renew: true }) })
    } catch {
      // The server closes the connection at expiry, and the next one gets a new token.
      this.#renew = true
    }
  }

  #onConnect(): void {
    this.#onlineSince = Date.now()
    this.#refusals = 0
    this.#drainUntil = 0
    this.setState({ status: 'online' })
  }

  #onDisconnect(reason: string): void {
    if (this.state.status === 'closed') return
    const last = reason === 'io server disconnect' ? this.#lastWords : undefined
    this.#lastWords = undefined
    // A server that accepts and drops connections must not be retried at once.
    if (Date.now() - this.#onlineSince > STABLE_MS) this.#timer.forgetFailures()
    const atLeastMs = Math.max(0, this.#drainUntil - Date.now(), last?.retryAfterMs ?? 0)
    this.#plan({ status: 'offline', ...(last && { code: last.code }) }, atLeastMs)
  }

  #onRefused(error: unknown): void {
    if (this.state.status === 'closed') return
    const { code, retryAfterMs } = toRefusal(error)
    const badToken = code === 'UNAUTHORIZED' || code === 'TOKEN_EXPIRED'
    if (badToken) this.#refusals += 1
    this.#renew ||= badToken
    this.#timer.stop()
    if (code === 'FORBIDDEN' || this.#refusals >= MAX_REFUSALS) {
      this.setState({ status: 'refused', code })
      return
    }
    this.#plan({ status: 'offline', code }, retryAfterMs)
  }

  #onDraining(reconnectAfterMs: number): void {
    const delayMs = reconnectAfterMs + this.#options.random() * DRAIN_JITTER_MS
    this.#drainUntil = Date.now() + delayMs
    this.setState({ status: 'draining' })
    this.#timer.start(delayMs, () => this.#socket.io.engine.close())
  }

  #plan(state: ConnectionState, atLeastMs: number): void {
    const retryInMs = this.#timer.retry(() => this.connect(), atLeastMs)
    this.setState({ ...state, retryInMs })
  }
}

/** Reads the error from the `data` of a `connect_error` or from the token request. */
function toRefusal(error: unknown): { code: RequestErrorCode; retryAfterMs: number } {
  const { data } = (error ?? {}) as { data?: Partial<ErrorInfo> }
  const info = error instanceof RequestError ? error : data
  return { code: info?.code ?? 'OFFLINE', retryAfterMs: info?.retryAfterMs ?? 0 }
}

function offline(): RequestError {
  return new RequestError({ code: 'OFFLINE', message: 'There is no connection.', retryable: true })
}
