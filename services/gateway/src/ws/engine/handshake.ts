import { AppError, toAppError, toErrorInfo, type Clock, type Presence } from '@chatbox/core'
import type { Logger, Metrics } from '@chatbox/kit'
import type { ExtendedError } from 'socket.io'
import { authenticate } from '../../auth/authenticate.ts'
import type { TokenVerifier } from '../../auth/verify-token.ts'
import type { RateGuard, RateRules } from '../../edge/rate-rules.ts'
import type { Identity } from '../../usecases/refresh-token.ts'
import { leavePresence } from '../connection/presence.ts'
import { setIdentity, type ChatSocket } from '../connection/types.ts'

export interface HandshakeDeps {
  verifier: TokenVerifier
  guard: RateGuard
  rules: RateRules
  presence: Pick<Presence, 'join' | 'leave'>
  maxConnectionsPerUser: number
  /** What a connection is counted by until it is known whose it is. */
  takeAddress: (conn: ChatSocket['conn']) => string
  clock: Pick<Clock, 'newId'>
  metrics: Pick<Metrics, 'handshakeRefused'>
  logger: Logger
}

const NO_AUTH = {}

type Middleware = (socket: ChatSocket, next: (error?: ExtendedError) => void) => void

/** Lets a socket in that shows a good token, as `connect_error` with a code where it does not. */
export function createHandshake(deps: HandshakeDeps): Middleware {
  const seen = new WeakSet<ChatSocket['conn']>()
  return (socket, next) => {
    // One connection, one handshake: asking again and again on one would cost it nothing.
    const admitting = seen.has(socket.conn) ? Promise.reject(triedBefore()) : admit(deps, socket)
    seen.add(socket.conn)
    admitting.then(
      (identity) => {
        setIdentity(socket, identity)
        next()
        // Whoever is connected leaves when it disconnects; its end may have come before that.
        setImmediate(() => {
          if (!socket.connected) leavePresence(deps, identity.user.id, socket.id)
        })
      },
      (thrown: unknown) => next(toConnectError(deps, thrown)),
    )
  }
}

function triedBefore(): AppError {
  return new AppError('CONFLICT', 'This connection has had its handshake.')
}

async function admit(deps: HandshakeDeps, socket: ChatSocket): Promise<Identity> {
  const { token } = socket.handshake.auth
  // Nobody needs it again, and it would be kept as long as the connection.
  socket.handshake.auth = NO_AUTH
  const identity = await authenticate(deps, token, deps.takeAddress(socket.conn))
  await deps.guard.take(deps.rules.handshake, identity.user.id)
  await joinPresence(deps, socket, identity.user.id)
  return identity
}

async function joinPresence(
  deps: HandshakeDeps,
  socket: ChatSocket,
  userId: string,
): Promise<void> {
  const count = await deps.presence.join(userId, socket.id)
  if (count <= deps.maxConnectionsPerUser) return
  leavePresence(deps, userId, socket.id)
  throw new AppError('CONNECTION_LIMIT', 'There are too many connections of this user.')
}

function toConnectError(deps: HandshakeDeps, thrown: unknown): ExtendedError {
  const error = toAppError(thrown)
  const requestId = deps.clock.newId()
  deps.metrics.handshakeRefused(error.code)
  if (error.code === 'INTERNAL' || error.code === 'UNAVAILABLE') {
    deps.logger.error({ err: error, requestId }, 'handshake failed')
  }
  const refusal: ExtendedError = new Error(error.message)
  refusal.data = toErrorInfo(error, requestId)
  return refusal
}
