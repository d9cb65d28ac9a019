import {
  AppError,
  MARK_SLACK_MS,
  type Clock,
  type Revocation,
  type RevocationMark,
  type Revocations,
} from '@chatbox/core'
import type { Logger } from '@chatbox/kit'
import type { Identity } from '../usecases/caller.ts'

/** How often a gateway reads what has changed: one small read, whatever the number of sockets. */
export const REFRESH_MS = 1000
/** The revocations that may stand at once. Each takes some 200 bytes in every gateway. */
export const MAX_REVOCATIONS = 10_000
/** How far the clocks of the site, the gateways and the store may be apart. */
const CLOCK_SKEW_MS = 10_000
const PAGE = 1000
/** After such a gap an end of a revocation may be forgotten, so everything is read again. */
const READ_ALL_AFTER_MS = 60 * 60_000

interface Parts {
  revocations: Revocations
  clock: Pick<Clock, 'now'>
  logger: Pick<Logger, 'warn' | 'info'>
}

/**
 * Every gateway's copy of the revocations. It follows the store and not Redis, because then a
 * revocation holds with Redis away too, and cannot be lost on the way. A copy is as old as the
 * interval and one read; while the store is away, it is as old as the outage, in which nobody can
 * be shut out either. Before the first read no token is accepted.
 */
export class RevocationCopy {
  readonly #parts: Parts
  #byUser = new Map<string, Revocation>()
  readonly #listeners: ((userId: string) => void)[] = []
  #mark: RevocationMark | undefined
  /** When the mark moved last, by the monotonic clock. */
  #markedAt = 0
  /** By the monotonic clock; undefined until everything has been read once. */
  #readAt: number | undefined
  #reading: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  #isFailing = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves after the first try to read, and goes on reading until `stop`. Never rejects. */
  async start(): Promise<void> {
    await this.#refreshOrReport()
    this.#wait()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** Calls `listener` for each user some of whose tokens were ended. */
  onRevoked(listener: (userId: string) => void): void {
    this.#listeners.push(listener)
  }

  /** Returns the identity. Throws `UNAUTHORIZED` if its token was ended. */
  check(identity: Identity): Identity {
    if (this.#readAt === undefined) {
      throw new AppError('UNAVAILABLE', 'Tokens cannot be checked now.', { retryable: true })
    }
    if (this.isRevoked(identity.user.id, identity.issuedAtMs)) throw revoked()
    return identity
  }

  /** A token that does not say when it was issued, or says a time to come, counts as old. */
  isRevoked(userId: string, issuedAtMs: number | undefined): boolean {
    const revocation = this.#byUser.get(userId)
    if (!revocation) return false
    if (issuedAtMs === undefined) return true
    if (issuedAtMs <= revocation.before.getTime()) return true
    return issuedAtMs > this.#parts.clock.now().getTime() + 2 * CLOCK_SKEW_MS
  }

  /**
   * Stores a revocation of all tokens that anybody has issued until now. Throws `CONFLICT` if too
   * many stand. When it resolves, this gateway refuses the tokens, and the others do within two
   * intervals.
   */
  async put(revocation: Omit<Revocation, 'before'>): Promise<Revocation> {
    if (this.#byUser.size >= MAX_REVOCATIONS && !this.#byUser.has(revocation.userId)) {
      throw new AppError('CONFLICT', `${MAX_REVOCATIONS} users are shut out. Let some in again.`)
    }
    // The token may be by a clock that goes before this one.
    const before = new Date(this.#parts.clock.now().getTime() + CLOCK_SKEW_MS)
    await this.#parts.revocations.put({ ...revocation, before })
    await this.#settled()
    this.#take(revocation.userId, { ...revocation, before })
    return { ...revocation, before }
  }

  /** Returns false if no revocation stood. */
  async end(userId: string): Promise<boolean> {
    const ended = await this.#parts.revocations.end(userId)
    await this.#settled()
    this.#byUser.delete(userId)
    return ended
  }

  /** Asks the store, for what must be exact at once: the issue of a token. */
  find(userId: string): Promise<Revocation | undefined> {
    return this.#parts.revocations.find(userId)
  }

  /** Returns all that stand and keep their user out, the latest first. */
  list(): Revocation[] {
    return [...this.#byUser.values()]
      .filter(({ reason }) => reason === 'shut_out')
      .sort((a, b) => b.before.getTime() - a.before.getTime())
  }

  #wait(): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      void this.#refreshOrReport().then(() => this.#wait())
    }, REFRESH_MS)
    this.#timer.unref()
  }

  async #refreshOrReport(): Promise<void> {
    const { logger } = this.#parts
    try {
      this.#reading ??= this.#refresh().finally(() => (this.#reading = undefined))
      await this.#reading
      if (this.#isFailing) logger.info('revocations are read again')
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) logger.warn({ err: error }, 'revocations cannot be read')
      this.#isFailing = true
    }
  }

  async #refresh(): Promise<void> {
    const now = performance.now()
    const isLate = this.#readAt === undefined || now - this.#readAt > READ_ALL_AFTER_MS
    if (isLate) await this.#readAll()
    else await this.#follow(this.#withSlack(now), (...change) => this.#take(...change))
    this.#readAt = now
  }

  async #readAll(): Promise<void> {
    const all = new Map<string, Revocation>()
    await this.#follow(undefined, (userId, revocation) => {
      if (revocation) all.set(userId, revocation)
      else all.delete(userId)
    })
    this.#byUser = all
    for (const userId of all.keys()) this.#tell(userId)
  }

  async #follow(
    from: RevocationMark | undefined,
    take: (userId: string, revocation: Revocation | undefined) => void,
  ): Promise<void> {
    let mark = from
    for (;;) {
      const { changes, last } = await this.#parts.revocations.listChanges(mark, PAGE)
      for (const { userId, revocation } of changes) take(userId, revocation)
      if (last && isAfter(last, this.#mark)) {
        this.#mark = last
        this.#markedAt = performance.now()
      }
      if (!last || changes.length < PAGE) return
      mark = last
    }
  }

  /** A write that was on its way when the mark was read may have an earlier place, for a while. */
  #withSlack(now: number): RevocationMark | undefined {
    const mark = this.#mark
    if (!mark || now - this.#markedAt > 2 * MARK_SLACK_MS) return mark
    return { userId: '', changedAt: new Date(mark.changedAt.getTime() - MARK_SLACK_MS) }
  }

  /** A read that began before a write must not undo it here. */
  async #settled(): Promise<void> {
    await this.#reading?.catch(() => undefined)
  }

  #take(userId: string, revocation: Revocation | undefined): void {
    const known = this.#byUser.get(userId)
    if (!revocation) this.#byUser.delete(userId)
    else if (known?.before.getTime() !== revocation.before.getTime()) {
      this.#byUser.set(userId, revocation)
      this.#tell(userId)
    }
  }

  #tell(userId: string): void {
    for (const listener of this.#listeners) listener(userId)
  }
}

export function revoked(): AppError {
  return new AppError('UNAUTHORIZED', 'Your access has been ended. Sign in again.')
}

function isAfter(mark: RevocationMark, other: RevocationMark | undefined): boolean {
  if (!other) return true
  const aheadMs = mark.changedAt.getTime() - other.changedAt.getTime()
  return aheadMs > 0 || (aheadMs === 0 && mark.userId > other.userId)
}
