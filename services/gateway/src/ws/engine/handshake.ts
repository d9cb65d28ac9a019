import { AppError, toAppError, toErrorInfo } from '@chatbox/core'
import type { ExtendedError } from 'socket.io'
import { isVisitorId } from '../../auth/visitor-tokens.ts'
import { authenticate } from '../../auth/verify-token.ts'
import type { Context } from '../../context.ts'
import type { Identity } from '../../usecases/caller.ts'
import { setIdentity, type ChatSocket } from '../chat-socket.ts'
import type { ChatEngine } from './chat-engine.ts'

interface HandshakeParts extends Context {
  takeAddress: ChatEngine['takeAddress']
}

const NO_AUTH = {}

type Middleware = (socket: ChatSocket, next: (error?: ExtendedError) => void) => void

/** Admits sockets with a valid token. Others get a `connect_error` with a code. */
export function createHandshake(parts: HandshakeParts): Middleware {
  const seen = new WeakSet<ChatSocket['conn']>()
  return (socket, next) => {
    // A connection has one handshake, because repeated attempts on it would be free.
    const admitting = seen.has(socket.conn) ? Promise.reject(triedBefore()) : admit(parts, socket)
    seen.add(socket.conn)
    admitting.then(
      (identity) => {
        setIdentity(socket, identity)
        next()
        // A connected socket leaves when it disconnects, but it may have disconnected already.
        setImmediate(() => {
          if (!socket.connected) leavePresence(parts, identity.user.id, socket.id)
        })
      },
      (thrown: unknown) => next(toConnectError(parts, thrown)),
    )
  }
}

function triedBefore(): AppError {
  return new AppError('CONFLICT', 'This connection has already had its handshake.')
}

async function admit(parts: HandshakeParts, socket: ChatSocket): Promise<Identity> {
  const { token } = socket.handshake.auth
  // The token is not needed again and would stay in memory as long as the connection.
  socket.handshake.auth = NO_AUTH
  const address = parts.takeAddress(socket.conn)
  const identity = await authenticate(parts, token, address)
  await parts.guard.take('handshake', identity.user.id)
  await joinPresence(parts, identity.user.id, socket.id)
  const { id } = identity.user
  socket.data.payer = parts.budgets.payerOf(id, isVisitorId(id) ? address : undefined)
  return identity
}

async function joinPresence(context: Context, userId: string, socketId: string): Promise<void> {
  const count = await context.presence.join(userId, socketId)
  if (count <= context.options.limits.maxConnectionsPerUser) return
  leavePresence(context, userId, socketId)
  throw new AppError('CONNECTION_LIMIT', 'This user has too many connections.')
}

/** Stops counting a connection. Idempotent and not awaited. */
export function leavePresence(context: Context, userId: string, socketId: string): void {
  context.presence
    .leave(userId, socketId)
    .catch((error: unknown) => context.logger.warn({ err: error }, 'presence not left'))
}

function toConnectError({ clock, metrics, logger }: Context, thrown: unknown): ExtendedError {
  const error = toAppError(thrown)
  const requestId = clock.newId()
  metrics.handshakeRefused(error.code)
  if (error.code === 'INTERNAL' || error.code === 'UNAVAILABLE') {
    logger.error({ err: error, requestId }, 'handshake failed')
  }
  const refusal: ExtendedError = new Error(error.message)
  refusal.data = toErrorInfo(error, requestId)
  return refusal
}
