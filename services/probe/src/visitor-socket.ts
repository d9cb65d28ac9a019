import {
  CLIENT_EVENTS,
  errorInfoSchema,
  SERVER_EVENTS,
  type ClientData,
  type ClientEvent,
  type ClientPayload,
  type Message,
  type ReplyDelta,
  type ReplyStart,
  type ServerEvent,
  type ServerPayload,
} from '@chatbox/contract'
import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import { endedByAnother, Finding } from './finding.ts'
import type { Deadline, Place } from './http-calls.ts'

/** Longer than a gateway takes to report that its store is down. */
const ACK_MS = 8000
const CONNECT_MS = 10_000

/** A visitor's connection, over websocket only. It never reconnects. */
export class VisitorSocket {
  readonly replies = new ReplyWatch()
  readonly #socket: Socket
  #closed: string | undefined
  #onChange: () => void = () => undefined

  constructor({ address, origin }: Place, token: string) {
    const url = new URL(`${address}/socket.io`)
    this.#socket = io(url.origin, {
      path: url.pathname,
      transports: ['websocket'],
      autoConnect: false,
      forceNew: true,
      reconnection: false,
      auth: { token },
      extraHeaders: { origin },
    })
    this.#socket.on('disconnect', (reason) => {
      this.#closed = reason
      this.#onChange()
    })
    this.#on('reply:start', (start) => this.replies.onStart(start))
    this.#on('reply:delta', (delta) => this.replies.onDelta(delta))
    this.#on('message:new', ({ message }) => this.replies.onMessage(message))
  }

  /** Resolves when the gateway has accepted the handshake. */
  async connect(deadline: Deadline): Promise<void> {
    const limit = deadline.left(CONNECT_MS)
    const up = Promise.withResolvers<undefined>()
    this.#socket.once('ready', () => up.resolve(undefined))
    this.#socket.once('connect_error', (error) => up.reject(toRefusal(error)))
    const timer = setTimeout(() => {
      up.reject(new Finding('socket', `the websocket was not up after ${limit} ms`))
    }, limit)
    this.#socket.connect()
    await up.promise.finally(() => clearTimeout(timer))
  }

  /** Sends an event of the contract and returns the data of its acknowledgement. */
  async emit<E extends ClientEvent>(
    event: E,
    payload: ClientPayload<E>,
    deadline: Deadline,
  ): Promise<ClientData<E>> {
    const limit = deadline.left(ACK_MS)
    const ack: unknown = await this.#socket
      .timeout(limit)
      .emitWithAck(event, payload)
      .catch(() => {
        throw this.#closed === undefined
          ? new Finding('session', `${event} was not answered within ${limit} ms`)
          : this.#lost(event)
      })
    return readAck(event, ack)
  }

  /** Repeats `search` after each event. Returns undefined if time runs out. */
  async find<T>(deadline: Deadline, search: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = search()
      if (found !== undefined) return found
      if (this.#closed !== undefined) throw this.#lost('the answer')
      if (deadline.isOver()) return undefined
      await this.#change(deadline.left())
    }
  }

  /** Tries to end the session, because an open question would be answered and cost money. */
  leave(sessionId: string | undefined): void {
    if (sessionId !== undefined) this.#socket.emit('session:end', { sessionId }, () => undefined)
    this.#socket.disconnect()
  }

  /** Resolves with the next change, or after `limitMs`. */
  async #change(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs)
      this.#onChange = resolve
    })
    clearTimeout(timer)
  }

  #lost(what: string): Finding {
    return new Finding('socket', `the websocket closed before ${what}: ${this.#closed ?? ''}`)
  }

  #on<E extends ServerEvent>(event: E, take: (payload: ServerPayload<E>) => void): void {
    const name: string = event
    this.#socket.on(name, (payload: unknown) => {
      const parsed = SERVER_EVENTS[event].safeParse(payload)
      // Unreadable events are ignored. The step that waits for one reports it missing.
      if (!parsed.success) return
      take(parsed.data as ServerPayload<E>)
      this.#onChange()
    })
  }
}

const ackSchema = z.union([
  z.object({ ok: z.literal(true), data: z.unknown() }),
  z.object({ ok: z.literal(false), error: errorInfoSchema }),
])

function readAck<E extends ClientEvent>(event: E, ack: unknown): ClientData<E> {
  const parsed = ackSchema.safeParse(ack)
  if (parsed.success && !parsed.data.ok) throw toEventRefusal(event, parsed.data.error.code)
  const data = parsed.success && parsed.data.ok ? parsed.data.data : undefined
  const known = CLIENT_EVENTS[event].data.safeParse(data)
  if (known.success) return known.data as ClientData<E>
  throw new Finding('session', `${event} was answered as no gateway of this version does`)
}

function toEventRefusal(event: string, code: string): Finding {
  if (code === 'UNAVAILABLE') {
    return new Finding('store', `the store did not answer: ${event} was refused (${code})`)
  }
  if (code === 'SESSION_ENDED') return endedByAnother()
  return new Finding('session', `${event} was refused: ${code}`)
}

/** A refused handshake carries an `ErrorInfo`; a refused upgrade only its HTTP status. */
function toRefusal(error: Error & { data?: unknown; description?: unknown }): Finding {
  const refused = errorInfoSchema.safeParse(error.data)
  if (!refused.success) {
    const description = z.object({ message: z.string() }).safeParse(error.description)
    const why = description.success ? description.data.message : error.message
    return new Finding(
      'socket',
      `the websocket does not come up (${why}): the proxy does not pass it on, or the gateway is full or being stopped`,
    )
  }
  const { code } = refused.data
  if (code === 'TOKEN_EXPIRED') return new Finding('token', 'the token has expired')
  if (code === 'UNAUTHORIZED') {
    return new Finding('token', 'the gateway refuses the token: another secret, issuer or audience')
  }
  return new Finding('socket', `the gateway refuses the connection: ${code}`)
}

/** The number of pieces kept for the comparison. A longer reply is compared only up to there. */
const MAX_PIECES = 10_000

/** The part of a reply that was seen while it was written. */
export interface Draft {
  replyId: string
  /** The highest attempt, which replaces the text of earlier ones. */
  attempt: number
  /** Frames by index. */
  pieces: Map<number, string>
  /** When the last frame arrived, by `performance.now()`. */
  lastAt: number
}

/** Records the replies that a socket reports in one session. */
class ReplyWatch {
  readonly #drafts = new Map<string, Draft>()
  /** Reply ids by question. */
  readonly #replies = new Map<string, string>()
  readonly #finished = new Map<string, Message>()
  readonly #ended = new Set<string>()

  onStart({ replyId, replyTo, attempt }: ReplyStart): void {
    this.#replies.set(replyTo, replyId)
    this.#draftOf(replyId, attempt)
  }

  onDelta({ replyId, attempt, index, text }: ReplyDelta): void {
    const draft = this.#draftOf(replyId, attempt)
    if (attempt === draft.attempt && draft.pieces.size < MAX_PIECES) draft.pieces.set(index, text)
  }

  onMessage(message: Message): void {
    if (message.event?.type === 'session_ended') this.#ended.add(message.sessionId)
    if (message.replyTo === undefined) return
    this.#replies.set(message.replyTo, message.id)
    this.#finished.set(message.replyTo, message)
  }

  /** Returns the log entry that answers the question, if it has arrived. */
  answerTo(questionId: string): Message | undefined {
    return this.#finished.get(questionId)
  }

  /** Returns true if the session has ended, so that nothing more is answered in it. */
  hasEnded(sessionId: string): boolean {
    return this.#ended.has(sessionId)
  }

  draftFor(questionId: string): Draft | undefined {
    return this.#drafts.get(this.#replies.get(questionId) ?? '')
  }

  #draftOf(replyId: string, attempt: number): Draft {
    const known = this.#drafts.get(replyId)
    const draft =
      known && known.attempt >= attempt
        ? known
        : { replyId, attempt, pieces: new Map<number, string>(), lastAt: 0 }
    draft.lastAt = performance.now()
    this.#drafts.set(replyId, draft)
    return draft
  }
}

/** Returns the text of the frames up to the first missing one. */
export function textOf({ pieces }: Draft): string {
  let text = ''
  for (let index = 0; pieces.has(index); index++) text += pieces.get(index) ?? ''
  return text
}
