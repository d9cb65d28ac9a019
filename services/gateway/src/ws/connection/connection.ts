import type { User } from '@chatbox/contract'
import { AppError, isOperator, toErrorInfo, type Presence } from '@chatbox/core'
import type { DisconnectReason, Logger, Metrics } from '@chatbox/kit'
import type { PeerAnnouncer, Viewer } from '../../usecases/announcer.ts'
import type { Identity } from '../../usecases/refresh-token.ts'
import type { Caller } from './ack.ts'
import type { createActivityListener } from './activity.ts'
import { createPeerAnnouncer } from '../rooms/announcer.ts'
import { toDisconnectReason } from '../engine/disconnect-reason.ts'
import type { Expiring, ExpiryWatch } from './expiry.ts'
import { OutboundMeter } from '../rooms/outbound.ts'
import { leavePresence } from './presence.ts'
import { userRoom } from '../rooms/room-names.ts'
import type { Member, SessionRooms } from '../rooms/session-rooms.ts'
import { setIdentity, type ChatSocket } from './types.ts'
import { createViewer } from './viewer.ts'

export interface ConnectionDeps {
  rooms: SessionRooms
  expiries: ExpiryWatch
  logger: Logger
  presence: Pick<Presence, 'leave'>
  /** Hears of every event that the socket is sent. */
  onOutgoing: ReturnType<typeof createActivityListener>
  metrics: Pick<Metrics, 'connections' | 'disconnected' | 'slowReaderClosed'>
}

/**
 * One socket that the handshake has let in, until it disconnects. A gateway has thousands: what they
 * share is elsewhere, and what one of them may never need is made when it is needed first.
 */
export class Connection implements Caller, Member, Expiring {
  readonly socket: ChatSocket
  /** Events that are being answered. */
  inFlight = 0
  isWarned = false
  readonly #deps: ConnectionDeps
  readonly #outbound = new OutboundMeter()
  #sessionIds: Set<string> | undefined
  #viewer: Viewer | undefined
  /** Why this end closes it, where it does. */
  #closedFor: DisconnectReason | undefined

  constructor(deps: ConnectionDeps, socket: ChatSocket) {
    this.socket = socket
    this.#deps = deps
  }

  get user(): User {
    return this.socket.data.user
  }

  get expiresAtMs(): number {
    return this.socket.data.expiresAtMs
  }

  get sessionIds(): Set<string> {
    return (this.#sessionIds ??= new Set())
  }

  get viewer(): Viewer {
    return (this.#viewer ??= createViewer(this.#deps.rooms, this))
  }

  get peers(): PeerAnnouncer {
    return createPeerAnnouncer(this.socket)
  }

  /** Listens to everything but events. */
  open(): void {
    const { socket } = this
    this.#deps.metrics.connections(1)
    socket.on('disconnect', (reason, description: unknown) =>
      this.#onDisconnect(reason, description),
    )
    socket.on('error', (error: unknown) => this.#onError(error))
    socket.onAnyOutgoing(this.#deps.onOutgoing)
    socket.conn.on('packetCreate', (packet: { data?: unknown }) => this.#onPacket(packet))
    socket.conn.on('flush', () => this.#outbound.clear())
    void socket.join(userRoom(this.user.id))
    this.#deps.expiries.start(this)
  }

  isCongested(): boolean {
    return this.#outbound.isCongested()
  }

  renew(identity: Identity): void {
    // Sessions of others were opened by right of a role.
    if (!isOperator(identity.user) && isOperator(this.user)) this.#deps.rooms.leaveAll(this)
    setIdentity(this.socket, identity)
    this.#deps.expiries.start(this)
  }

  onExpiring(): void {
    this.socket.emit('token:expiring', { expiresAt: new Date(this.expiresAtMs).toISOString() })
  }

  onExpired(): void {
    this.#closedFor ??= 'token-expired'
    this.#close(new AppError('TOKEN_EXPIRED', 'The token has expired.'))
  }

  #onDisconnect(reason: string, description: unknown): void {
    const { metrics, logger, expiries, rooms } = this.#deps
    metrics.connections(-1)
    metrics.disconnected(this.#closedFor ?? toDisconnectReason(reason, description))
    logger.debug({ reason }, 'socket disconnected')
    expiries.stop(this)
    rooms.leaveAll(this)
    leavePresence(this.#deps, this.user.id, this.socket.id)
    // There is one namespace: a connection outside of it is of no use.
    this.socket.conn.close()
  }

  /** An `error` event that the client made up comes here too, and is answered like any other. */
  #onError(error: unknown): void {
    if (!(error instanceof Error)) return
    this.#deps.logger.info({ reason: error.message }, 'socket broke the protocol')
    this.#closedFor ??= 'protocol-error'
    this.#close(new AppError('INVALID_FORMAT', 'This is not a packet of the protocol.'))
  }

  #onPacket(packet: { data?: unknown }): void {
    if (this.#outbound.isOverflowing()) {
      this.#closedFor ??= 'slow-reader'
      this.#deps.metrics.slowReaderClosed()
      this.#deps.logger.info('socket closed: its client does not read')
      // Without waiting for what is buffered: it is the reason.
      this.socket.conn.close(true)
    }
    this.#outbound.add(packet)
  }

  /** Says why first; a client that does not read learns it from the close alone. */
  #close(error: AppError): void {
    this.socket.emit('error', toErrorInfo(error))
    this.socket.disconnect(true)
  }
}
