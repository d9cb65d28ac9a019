import { AppError, isVisitorId, toAppError, toErrorInfo } from '@chatbox/core'
import { withRequestId } from '@chatbox/kit'
import type { ExtendedError } from 'socket.io'
import { authenticate } from '../../auth/verify-token.ts'
import type { Context } from '../../context.ts'
import { toLane } from '../../usecases/message/to-lane.ts'
import type { Identity } from '../../usecases/caller.ts'
import { setIdentity, type ChatSocket } from '../chat-socket.ts'
import type { ChatEngine } from './chat-engine.ts'
import type { Place } from './socket-places.ts'

interface HandshakeParts extends Context {
  engine: Pick<ChatEngine, 'places' | 'placeOf'>
}

const NO_AUTH = {}

type Middleware = (socket: ChatSocket, next: (error?: ExtendedError) => void) => void

/** Admits sockets with a valid token. Others get a `connect_error` with a code. */
export function createHandshake(parts: HandshakeParts): Middleware {
  const seen = new WeakSet<ChatSocket['conn']>()
  return (socket, next) => {
    // A connection has one handshake, because repeated attempts on it would be free.
    const place = seen.has(socket.conn) ? undefined : parts.engine.placeOf(socket.conn)
    seen.add(socket.conn)
    const requestId = parts.clock.newId()
    const admitting = place
      ? withRequestId(requestId, () => admit(parts, socket, place), place.address)
      : Promise.reject(triedBefore())
    admitting.then(
      (identity) => {
        next()
        // A connected socket leaves when it disconnects, but it may have disconnected already.
        setImmediate(() => {
          if (!socket.connected) leavePresence(parts, identity.user.id, socket.id)
        })
      },
      (thrown: unknown) => {
        const error = toAppError(thrown)
        const { user } = socket.data as Partial<ChatSocket['data']>
        parts.security.refused(error.code, { address: place?.address, userId: user?.id })
        next(toConnectError(parts, error, requestId))
        // Once the refusal is written. A refused connection must not keep its place.
        setImmediate(() => socket.conn.close())
      },
    )
  }
}

function triedBefore(): AppError {
  return new AppError('CONFLICT', 'This connection has already had its handshake.')
}

async function admit(parts: HandshakeParts, socket: ChatSocket, place: Place): Promise<Identity> {
  const { token } = socket.handshake.auth
  // The token is not needed again and would stay in memory as long as the connection.
  socket.handshake.auth = NO_AUTH
  const identity = await authenticate(parts, token, place.address)
  setIdentity(socket, identity)
  const { id } = identity.user
  const isVisitor = isVisitorId(id)
  await parts.guard.take('handshake', id)
  await joinPresence(parts, id, socket.id)
  if (!parts.engine.places.admit(place, isVisitor ? 'visitor' : 'user')) {
    leavePresence(parts, id, socket.id)
    throw tooManyConnections()
  }
  socket.data.payer = parts.budgets.payerOf(id, isVisitor ? place.address : undefined)
  socket.data.lane = toLane(parts, identity.user, place.address)
  return identity
}

function tooManyConnections(): AppError {
  return new AppError('CONNECTION_LIMIT', 'There are too many connections.')
}

async function joinPresence(context: Context, userId: string, socketId: string): Promise<void> {
  const count = await context.presence.join(userId, socketId)
  if (count <= context.options.limits.maxConnectionsPerUser) return
  leavePresence(context, userId, socketId)
  throw tooManyConnections()
}

/** Stops counting a connection. Idempotent and not awaited. */
export function leavePresence(context: Context, userId: string, socketId: string): void {
  context.presence
    .leave(userId, socketId)
    .catch((error: unknown) => context.logger.warn({ err: error }, 'presence not left'))
}

function toConnectError(
  { metrics, logger }: Context,
  error: AppError,
  requestId: string,
): ExtendedError {
  metrics.handshakeRefused(error.code)
  if (error.code === 'INTERNAL' || error.code === 'UNAVAILABLE') {
    logger.error({ err: error, requestId }, 'handshake failed')
  }
  const refusal: ExtendedError = new Error(error.message)
  refusal.data = toErrorInfo(error, requestId)
  return refusal
}
