import { AppError, toAppError, toErrorInfo } from '@chatbox/core'
import type { ExtendedError } from 'socket.io'
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

/** Lets a socket in that shows a good token, as `connect_error` with a code where it does not. */
export function createHandshake(parts: HandshakeParts): Middleware {
  const seen = new WeakSet<ChatSocket['conn']>()
  return (socket, next) => {
    // One connection, one handshake: asking again and again on one would cost it nothing.
    const admitting = seen.has(socket.conn) ? Promise.reject(triedBefore()) : admit(parts, socket)
    seen.add(socket.conn)
    admitting.then(
      (identity) => {
        setIdentity(socket, identity)
        next()
        // Whoever is connected leaves when it disconnects; its end may have come before that.
        setImmediate(() => {
          if (!socket.connected) leavePresence(parts, identity.user.id, socket.id)
        })
      },
      (thrown: unknown) => next(toConnectError(parts, thrown)),
    )
  }
}

function triedBefore(): AppError {
  return new AppError('CONFLICT', 'This connection has had its handshake.')
}

async function admit(parts: HandshakeParts, socket: ChatSocket): Promise<Identity> {
  const { token } = socket.handshake.auth
  // Nobody needs it again, and it would be kept as long as the connection.
  socket.handshake.auth = NO_AUTH
  const identity = await authenticate(parts, token, parts.takeAddress(socket.conn))
  await parts.guard.take('handshake', identity.user.id)
  await joinPresence(parts, identity.user.id, socket.id)
  return identity
}

async function joinPresence(context: Context, userId: string, socketId: string): Promise<void> {
  const count = await context.presence.join(userId, socketId)
  if (count <= context.options.limits.maxConnectionsPerUser) return
  leavePresence(context, userId, socketId)
  throw new AppError('CONNECTION_LIMIT', 'There are too many connections of this user.')
}

/** Counts a connection no longer. Idempotent; nobody waits for it. */
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
