import type {
  Ack,
  ClientData,
  ClientEvent,
  ClientPayload,
  ErrorInfo,
  Message,
  ServerEvent,
  ServerPayload,
  Session,
} from '@chatbox/contract'
import { io, type Socket } from 'socket.io-client'
import { signToken } from '../environment/tokens.ts'

const WAIT_MS = 10_000
const MAX_RECORDED = 100_000

export interface ChatUserOptions {
  /** `http://127.0.0.1:PORT` of a gateway, or of what stands in front of several. */
  url: string
  pathPrefix?: string
  /** Whose token is made with the tests' secret, unless `token` is given. */
  userId?: string
  name?: string
  roles?: string[]
  token?: string
  /** Sent as a browser would; without it there is no such header, as with a native app. */
  origin?: string
  /** The address that a trusted proxy says the user has. */
  address?: string
  /** Connect again by itself after a loss; off unless a test is about that. */
  reconnects?: boolean
}

type RecordedEvent = {
  [E in ServerEvent]: { event: E; payload: ServerPayload<E> }
}[ServerEvent]

/** A refused handshake. */
export class HandshakeError extends Error {
  readonly info: ErrorInfo | undefined

  constructor(message: string, info: ErrorInfo | undefined) {
    super(message)
    this.info = info
  }
}

/** One connected user of the real client library, who remembers everything that arrives. */
export interface ChatUser {
  readonly userId: string
  readonly token: string
  readonly socket: Socket
  readonly ready: ServerPayload<'ready'>
  /** In order of arrival. */
  readonly received: readonly RecordedEvent[]
  /** Why the connection ended; undefined while it is open. */
  readonly closeReason: () => string | undefined
  /** Emits anything at all and answers the raw acknowledgement. */
  emitRaw(event: string, ...args: unknown[]): Promise<Ack<unknown>>
  /** Emits an event of the contract; rejects with a refusal's code as message. */
  emit<E extends ClientEvent>(event: E, payload: ClientPayload<E>): Promise<ClientData<E>>
  /** The refusal of an event; fails where it was accepted. */
  refusal(event: string, ...args: unknown[]): Promise<ErrorInfo>
  open(input?: ClientPayload<'session:open'>): Promise<ClientData<'session:open'>>
  send(session: Pick<Session, 'id'>, content: string, clientMessageId?: string): Promise<Message>
  /** The first event of that name, already here or still to come, for which `accept` holds. */
  waitFor<E extends ServerEvent>(
    event: E,
    accept?: (payload: ServerPayload<E>) => boolean,
    timeoutMs?: number,
  ): Promise<ServerPayload<E>>
  /** Resolves with the reason once the connection has ended. */
  waitForClose(timeoutMs?: number): Promise<string>
  close(): void
}

/** Connects and waits for `ready`. Rejects with a `HandshakeError` where the handshake is refused. */
export async function openChatUser(options: ChatUserOptions): Promise<ChatUser> {
  const userId = options.userId ?? `user-${crypto.randomUUID()}`
  const { name, roles } = options
  const token =
    options.token ??
    (await signToken({ sub: userId, ...(name && { name }), ...(roles && { roles }) }))
  const socket: Socket = io(options.url, {
    path: `${options.pathPrefix ?? '/chatbox'}/socket.io`,
    transports: ['websocket'],
    forceNew: true,
    reconnection: options.reconnects ?? false,
    auth: { token },
    extraHeaders: toHeaders(options),
  })
  const recorder = record(socket)
  try {
    await connected(socket)
    const ready = await recorder.waitFor('ready', () => true, WAIT_MS)
    return toUser(socket, recorder, { userId, token, ready })
  } catch (error) {
    socket.disconnect()
    throw error
  }
}

function toHeaders({ origin, address }: ChatUserOptions): Record<string, string> {
  return {
    ...(origin === undefined ? {} : { origin }),
    ...(address === undefined ? {} : { 'x-forwarded-for': address }),
  }
}

type Recorder = ReturnType<typeof record>

function record(socket: Socket) {
  const received: RecordedEvent[] = []
  const checks = new Set<() => void>()
  let reason: string | undefined
  const check = () => checks.forEach((run) => run())
  socket.onAny((event: ServerEvent, payload: unknown) => {
    if (received.length < MAX_RECORDED) received.push({ event, payload } as RecordedEvent)
    check()
  })
  socket.on('disconnect', (why) => {
    reason = why
    check()
  })
  socket.on('connect', () => {
    reason = undefined
  })

  function waitUntil<T>(find: () => T | undefined, what: string, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = () => {
        const found = find()
        if (found === undefined) return
        clearTimeout(timer)
        checks.delete(run)
        resolve(found)
      }
      const timer = setTimeout(() => {
        checks.delete(run)
        reject(new Error(`${what} did not come within ${timeoutMs} ms`))
      }, timeoutMs)
      checks.add(run)
      run()
    })
  }

  return {
    received,
    reason: () => reason,
    waitForClose: (timeoutMs: number) => waitUntil(() => reason, 'the disconnect', timeoutMs),
    waitFor<E extends ServerEvent>(
      event: E,
      accept: (payload: ServerPayload<E>) => boolean,
      timeoutMs: number,
    ): Promise<ServerPayload<E>> {
      const isWanted = (one: RecordedEvent): one is RecordedEvent & { event: E } =>
        one.event === event && accept(one.payload as ServerPayload<E>)
      const find = () => received.find(isWanted)?.payload as ServerPayload<E> | undefined
      return waitUntil(find, event, timeoutMs)
    },
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('connect_error', (error: Error & { data?: ErrorInfo }) => {
      reject(new HandshakeError(error.message, error.data))
    })
  })
}

function toUser(
  socket: Socket,
  recorder: Recorder,
  known: Pick<ChatUser, 'userId' | 'token' | 'ready'>,
): ChatUser {
  const emitRaw = async (event: string, ...args: unknown[]): Promise<Ack<unknown>> =>
    (await socket.timeout(WAIT_MS).emitWithAck(event, ...args)) as Ack<unknown>
  const emit = async <E extends ClientEvent>(event: E, payload: ClientPayload<E>) => {
    const ack = await emitRaw(event, payload)
    if (!ack.ok) throw new Error(`${ack.error.code}: ${ack.error.message}`)
    return ack.data as ClientData<E>
  }
  return {
    ...known,
    socket,
    received: recorder.received,
    closeReason: recorder.reason,
    emitRaw,
    emit,
    async refusal(event, ...args) {
      const ack = await emitRaw(event, ...args)
      if (ack.ok) throw new Error(`${event} was accepted`)
      return ack.error
    },
    open: (input = {}) => emit('session:open', input),
    async send({ id }, content, clientMessageId = crypto.randomUUID()) {
      return (await emit('message:send', { sessionId: id, clientMessageId, content })).message
    },
    waitFor: (event, accept = () => true, timeoutMs = WAIT_MS) =>
      recorder.waitFor(event, accept, timeoutMs),
    waitForClose: (timeoutMs = WAIT_MS) => recorder.waitForClose(timeoutMs),
    close: () => void socket.disconnect(),
  }
}
