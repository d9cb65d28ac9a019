import type { ServerPayload, User } from '@chatbox/contract'
import { AppError, type Payer } from '@chatbox/core'
import type { Caller, Identity, SeenSession, Viewer } from '../../usecases/caller.ts'

/** A connection whose token may be replaced while its events run. */
export interface RenewableCaller extends Caller {
  /** Grows with each renewal that takes a right away. */
  readonly rightsLost: number
}

/**
 * The caller of one event. A use case checks the caller, waits for the store and then acts. If a
 * newer token has taken a right away in between, what was checked no longer holds: every act
 * through this caller then throws, and the event is answered with a refusal that may be tried again.
 */
export class EventCaller implements Caller, Viewer {
  readonly #connection: RenewableCaller
  #rightsLost: number

  constructor(connection: RenewableCaller) {
    this.#connection = connection
    this.#rightsLost = connection.rightsLost
  }

  get user(): User {
    return this.#connection.user
  }

  get payer(): Payer | undefined {
    return this.#connection.payer
  }

  get lane(): string {
    return this.#connection.lane
  }

  get viewer(): Viewer {
    return this
  }

  /** Throws `CONFLICT`, retryable, if the connection has lost a right since the event came. */
  checkRights(): void {
    if (this.#connection.rightsLost === this.#rightsLost) return
    throw new AppError('CONFLICT', 'Your roles have just changed. Try again.', { retryable: true })
  }

  async join(sessionId: string): Promise<void> {
    this.checkRights()
    await this.#connection.viewer.join(sessionId)
  }

  leave(sessionId: string): void {
    this.#connection.viewer.leave(sessionId)
  }

  note(session: Parameters<Viewer['note']>[0]): void {
    this.checkRights()
    this.#connection.viewer.note(session)
  }

  seen(sessionId: string): SeenSession | undefined {
    return this.#connection.viewer.seen(sessionId)
  }

  wakes(sessionId: string, atMs: number, everyMs: number): boolean {
    return this.#connection.viewer.wakes(sessionId, atMs, everyMs)
  }

  announceTyping(typing: ServerPayload<'typing'>): void {
    this.checkRights()
    this.#connection.announceTyping(typing)
  }

  announceReceipt(receipt: ServerPayload<'message:receipt'>): void {
    this.checkRights()
    this.#connection.announceReceipt(receipt)
  }

  async followInbox(): Promise<void> {
    this.checkRights()
    await this.#connection.followInbox()
  }

  followDesk(sessionId: string): void {
    this.checkRights()
    this.#connection.followDesk(sessionId)
  }

  /** The event that brings the newer token goes on under it. */
  renew(identity: Identity): void {
    this.checkRights()
    this.#connection.renew(identity)
    this.#rightsLost = this.#connection.rightsLost
  }
}
