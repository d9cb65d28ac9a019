import {
  operatorRoom,
  sessionRoom,
  userRoom,
  type ServerPayload,
  type User,
} from '@chatbox/contract'
import { AppError, isOperator, toErrorInfo, type Payer } from '@chatbox/core'
import { isOwnedBy, type DisconnectReason } from '@chatbox/kit'
import { revoked } from '../../auth/revocation-copy.ts'
import type { Context } from '../../context.ts'
import { tooManyRequests } from '../../edge/rate-guard.ts'
import type { InboxFollower } from '../../inbox/inbox-hub.ts'
import type { Identity, Viewer } from '../../usecases/caller.ts'
import { renewIdentity, type ChatSocket } from '../chat-socket.ts'
import { leavePresence } from '../engine/handshake.ts'
import { websocketOf } from '../engine/metered-websocket.ts'
import type { OutgoingEvent } from '../rooms/deliver.ts'
import { DeskRooms } from '../rooms/desk-rooms.ts'
import { createViewer, type Member, type SessionRooms } from '../rooms/session-rooms.ts'
import type { Allowances, UserAllowance } from '../engine/allowances.ts'
import { answerEvent, refuseEvent, type EventCall } from './answer-event.ts'
import type { RenewableCaller } from './event-caller.ts'
import type { Expiring, ExpiryWatch } from './expiry.ts'
import type { EventHandlers } from './handlers.ts'
import { OutboundMeter } from './outbound.ts'

/** The parts that all sockets of a gateway share. */
export interface SocketParts extends Context {
  handlers: EventHandlers
  rooms: SessionRooms
  expiries: ExpiryWatch
  allowances: Allowances
  /** Called for every event that is sent to a socket. */
  onOutgoing: (...event: OutgoingEvent) => void
}

/** How many events of one socket may run at the same time. A page needs only a few. */
export const MAX_IN_FLIGHT = 64
const BUSY_RETRY_MS = 1000
/** How long a client waits after its connection ended as a flood. */
export const FLOOD_PAUSE_MS = 30_000

/**
 * One admitted socket, until it disconnects. A gateway has thousands, so shared parts live
 * elsewhere and rarely needed ones are created on first use.
 */
export class ServedSocket implements RenewableCaller, Member, Expiring, InboxFollower {
  readonly socket: ChatSocket
  isWarned = false
  rightsLost = 0
  readonly #parts: SocketParts
  readonly #address: string | undefined
  /** The number of running events. */
  #inFlight = 0
  readonly #outbound = new OutboundMeter()
  readonly #allowance: UserAllowance
  #sessionIds: Set<string> | undefined
  #desks: DeskRooms | undefined
  #viewer: Viewer | undefined
  /** The reason if this gateway closes the socket. */
  #closedFor: DisconnectReason | undefined

  constructor(parts: SocketParts, socket: ChatSocket, address: string | undefined) {
    this.socket = socket
    this.#address = address
    this.#parts = parts
    this.#allowance = parts.allowances.of(this.user.id, performance.now())
  }

  get user(): User {
    return this.socket.data.user
  }

  get payer(): Payer | undefined {
    return this.socket.data.payer
  }

  get lane(): string {
    return this.socket.data.lane
  }

  get expiresAtMs(): number {
    return this.socket.data.expiresAtMs
  }

  get sessionIds(): Set<string> {
    return (this.#sessionIds ??= new Set())
  }

  get viewer(): Viewer {
    return (this.#viewer ??= createViewer(this.#parts.rooms, this))
  }

  /** Typing signals are never buffered because they are useless when late. */
  announceTyping(typing: ServerPayload<'typing'>): void {
    const shown = this.#parts.hideOperators.typing(typing)
    const toOthers = (rooms: string[]) => this.socket.volatile.to(rooms)
    this.#toRooms(typing, shown, (rooms, one) => toOthers(rooms).emit('typing', one))
  }

  announceReceipt(receipt: ServerPayload<'message:receipt'>): void {
    const shown = this.#parts.hideOperators.receipt(receipt)
    const toOthers = (rooms: string[]) => this.socket.to(rooms)
    this.#toRooms(receipt, shown, (rooms, one) => toOthers(rooms).emit('message:receipt', one))
  }

  /** Sends `shown` to a session's user, and `whole` to operators. */
  #toRooms<T extends { sessionId: string }>(
    whole: T,
    shown: T,
    send: (rooms: string[], signal: T) => unknown,
  ): void {
    const [users, operators] = [sessionRoom(whole.sessionId), operatorRoom(whole.sessionId)]
    if (shown === whole) send([users, operators], whole)
    else {
      send([users], shown)
      send([operators], whole)
    }
  }

  /** A disconnect is handled only once: who follows after it would never be removed. */
  async followInbox(): Promise<void> {
    if (this.socket.connected) await this.#parts.inboxHub.follow(this)
  }

  /** Leaves the rooms when the role is lost. Here it may have been already. */
  followDesk(sessionId: string): void {
    if (isOperator(this.user)) (this.#desks ??= new DeskRooms(this.socket)).join(sessionId)
  }

  sendInbox(change: ServerPayload<'inbox:changed'>): void {
    this.socket.emit('inbox:changed', change)
  }

  open(): void {
    const { socket } = this
    this.#parts.metrics.connections(1)
    socket.on('disconnect', (reason, description: unknown) =>
      this.#onDisconnect(reason, description),
    )
    socket.on('error', (error: unknown) => this.#onError(error))
    socket.onAny((...packet: unknown[]) => this.#onEvent(packet))
    socket.onAnyOutgoing(this.#parts.onOutgoing)
    socket.conn.on('packetCreate', (packet: { data?: unknown }) => this.#onPacket(packet))
    socket.conn.on('flush', () => this.#outbound.clear())
    const { frames, bytes } = this.#allowance
    const onFlood = () => this.#endFlood(FLOOD_PAUSE_MS)
    websocketOf(socket.conn)?.startMeter({ frames, bytes, onFlood })
    void socket.join(userRoom(this.user.id))
    this.#parts.expiries.start(this)
  }

  isFromOutside(sessionId: string): boolean {
    return isOperator(this.user) && !this.#isOwn(sessionId)
  }

  isCongested(): boolean {
    return this.#outbound.isCongested()
  }

  renew(identity: Identity): void {
    if (identity.user.id !== this.user.id) {
      throw new AppError('UNAUTHORIZED', 'This token belongs to another user.')
    }
    const wasOperator = isOperator(this.user)
    renewIdentity(this.socket, identity)
    if (!isOperator(this.user)) {
      if (wasOperator) {
        this.rightsLost++
        this.#parts.security.note('role-lost', { userId: this.user.id })
      }
      this.#desks?.leaveAll()
      this.#parts.rooms.leaveThose(this, (sessionId) => !this.#isOwn(sessionId))
    }
    this.#parts.expiries.start(this)
  }

  #isOwn(sessionId: string): boolean {
    if (isOwnedBy(sessionId, this.#parts.pseudonym(this.user.id))) return true
    return this.#viewer?.seen(sessionId)?.userId === this.user.id
  }

  onExpiring(): void {
    this.socket.emit('token:expiring', { expiresAt: new Date(this.expiresAtMs).toISOString() })
  }

  onExpired(): void {
    this.#closedFor ??= 'token-expired'
    this.#close(new AppError('TOKEN_EXPIRED', 'The token has expired.'))
  }

  /** Closes the socket if its token is among those that were ended. Nothing that waits goes on. */
  closeIfRevoked(): void {
    const { issuedAtMs } = this.socket.data
    if (this.#closedFor || !this.#parts.revocations.isRevoked(this.user.id, issuedAtMs)) return
    this.#closedFor = 'revoked'
    this.rightsLost++
    this.#close(revoked())
  }

  /** Handles every event, known or not. */
  #onEvent(packet: unknown[]): void {
    const call = this.#toCall(packet)
    if (this.#inFlight >= MAX_IN_FLIGHT) {
      refuseEvent(this.#parts, call, toErrorInfo(tooManyRequests(BUSY_RETRY_MS)))
      this.#countRefusal()
      return
    }
    this.#inFlight++
    this.#parts.work.add(
      answerEvent(this.#parts, this.#parts.handlers, call).then((outcome) => {
        this.#inFlight--
        if (outcome === 'TOO_MANY_REQUESTS') this.#countRefusal()
      }),
    )
  }

  /** An honest client waits after a refusal. One that goes on is a cost without a use. */
  #countRefusal(): void {
    if (!this.#allowance.takeRefusal(performance.now())) this.#endFlood(FLOOD_PAUSE_MS)
  }

  /** Tells the client to come back later, and refuses this user's handshakes here until then. */
  #endFlood(forMs: number): void {
    if (this.#closedFor) return
    const { guard, security } = this.#parts
    this.#closedFor = 'flood'
    guard.refuse('handshake', this.user.id, forMs)
    security.note('limit-hit', { address: this.#address, userId: this.user.id })
    websocketOf(this.socket.conn)?.hangUp()
    this.#close(tooManyRequests(forMs))
  }

  #toCall([event, ...args]: unknown[]): EventCall {
    const last = args.at(-1)
    // JSON has no functions, so a function is Socket.IO's own acknowledgement.
    const ack = isFunction(last) ? last : undefined
    return {
      caller: this,
      address: this.#address,
      event: String(event),
      args: ack ? args.slice(0, -1) : args,
      ack,
      reportError: (error) => void this.socket.emit('error', error),
    }
  }

  #onDisconnect(reason: string, description: unknown): void {
    const { metrics, logger, expiries, rooms, inboxHub } = this.#parts
    metrics.connections(-1)
    metrics.disconnected(this.#closedFor ?? toDisconnectReason(reason, description))
    logger.debug({ reason }, 'socket disconnected')
    expiries.stop(this)
    rooms.leaveAll(this)
    inboxHub.leave(this)
    leavePresence(this.#parts, this.user.id, this.socket.id)
    // A connection without our only namespace is useless.
    this.socket.conn.close()
  }

  /** A client can also send an event named `error`; it is answered like any other. */
  #onError(error: unknown): void {
    if (!(error instanceof Error)) return
    this.#parts.logger.info({ reason: error.message }, 'socket broke the protocol')
    this.#closedFor ??= 'protocol-error'
    this.#close(new AppError('INVALID_FORMAT', 'This is not a packet of the protocol.'))
  }

  #onPacket(packet: { data?: unknown }): void {
    if (this.#outbound.isOverflowing()) {
      this.#closedFor ??= 'slow-reader'
      this.#parts.metrics.slowReaderClosed()
      this.#parts.logger.info('socket closed: the client reads too slowly')
      // The buffered data is discarded because it is the reason.
      this.socket.conn.close(true)
    }
    this.#outbound.add(packet)
  }

  /** Sends the reason before closing. A client that does not read sees only the close. */
  #close(error: AppError): void {
    this.socket.emit('error', toErrorInfo(error))
    this.socket.disconnect(true)
  }
}

function isFunction(value: unknown): value is (answer: unknown) => void {
  return typeof value === 'function'
}

/**
 * Socket.IO's reasons for sockets that no connection here closed for a reason of its own. The
 * server closes other sockets only in a drain.
 */
const REASONS: Readonly<Record<string, DisconnectReason>> = {
  'client namespace disconnect': 'client-left',
  'transport close': 'connection-lost',
  'transport error': 'protocol-error',
  'ping timeout': 'ping-timeout',
  'parse error': 'protocol-error',
  'server namespace disconnect': 'drain',
  'server shutting down': 'drain',
  'forced close': 'drain',
  'forced server close': 'drain',
}

/** Engine.IO's description of a frame that could not be sent. */
const WRITE_ERROR = 'write error'

/**
 * Maps Socket.IO's reason to one of a closed set, even for reasons of later versions. `description`
 * is Socket.IO's detail of the reason. A transport error means that the websocket rejected a frame,
 * for example because of its length, or could not write one. A broken connection is reported as a
 * transport close.
 */
export function toDisconnectReason(reason: string, description?: unknown): DisconnectReason {
  if (description instanceof Error && description.message === WRITE_ERROR) return 'connection-lost'
  return REASONS[reason] ?? 'connection-lost'
}
