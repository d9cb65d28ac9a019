import type { AddressCost, Cost } from '@chatbox/contract'
import { AppError, isVisitorId, type RateLimiter, type RateRule } from '@chatbox/core'
import type { Metrics, Settings } from '@chatbox/kit'
import type { SecurityEvents } from './security-events.ts'
import { SlowRefusals } from './slow-refusals.ts'

/** The calls that a user may make per allowed message. A page makes them by itself. */
export const PER_MESSAGE: Record<Cost, number> = { message: 1, write: 2, read: 5, signal: 10 }
/** How often a user may call anything at all for each allowed message. */
export const CALLS_PER_MESSAGE = Object.values(PER_MESSAGE).reduce((sum, calls) => sum + calls)
/** The handshakes of one user. */
export const HANDSHAKES = 120
/** The new tokens of one known visitor. */
export const RENEWALS = 60
/** Counted by address, which many users may share. */
export const PER_ADDRESS = { refused: 120, public: 300, signIn: 60 }
/** The sign-in links of one mail address, known or not, in this time. */
export const SIGN_IN_MAILS = 3
export const SIGN_IN_MAILS_MS = 10 * 60_000
const MINUTE_MS = 60_000
/** The share of a minute in one batch. More would let tabs on other gateways run dry early. */
const BATCH_SHARE = 1 / 20
const MAX_BATCH = 25
/** Beyond this number of keys the oldest refusal is forgotten, and the shared count asked again. */
const MAX_REFUSALS = 10_000

/** What a transcript brings is counted apart, so that nobody is kept from reading their own chat. */
type UserRule = Cost | 'transcript'
type UserRules = Record<UserRule, RateRule>
type OtherRule =
  | AddressCost
  | 'visitor'
  | 'newVisitor'
  | 'handshake'
  | 'upgrade'
  | 'refused'
  | 'expired'
  | 'signIn'
  | 'signInMail'
type RuleName = UserRule | OtherRule

type RateLimits = Pick<
  Settings['limits'],
  'rateLimit' | 'visitorRateLimit' | 'newVisitorsPerAddress' | 'handshakesPerAddress'
>

interface RateGuardParts {
  limiter: RateLimiter
  metrics: Metrics
  security: SecurityEvents
}

/** What a read has brought: log entries or sessions, and the length of all texts. */
interface ReadWork {
  entries: number
  length: number
}

/**
 * How long a text one point pays for, in UTF-16 units. The usual page of 50 short entries takes one
 * point, and the longest page three to five.
 */
export const LENGTH_PER_POINT = 100_000
/** Decrypting and checking an entry costs as much as this length of text: some 30 µs. */
export const LENGTH_PER_ENTRY = 1000

export interface RateGuard {
  /**
   * Throws `TOO_MANY_REQUESTS` if `key` has used up the rule's points. For a cost, `key` is the
   * user's id, and visitors have rules of their own.
   */
  take(rule: RuleName, key: string): Promise<void>
  /** Makes this process refuse `key` for a while, whatever points it has. */
  refuse(rule: RuleName, key: string, forMs: number): void
  /**
   * Counts what a read has cost beyond the points that are `paid`, by default the one of its call.
   * Without points the next read is refused.
   */
  chargeRead(userId: string, work: ReadWork, paid?: number): Promise<void>
  /**
   * Counts what a part of a transcript has cost. Returns the time in ms until the user may have the
   * next one, 0 if there were points enough.
   */
  chargeTranscript(userId: string, work: ReadWork): Promise<number>
}

/**
 * Creates the limits that all gateways share. A refusal holds until its window ends, so this
 * process remembers it until then: who goes on asking costs no call of the shared count.
 */
export function createRateGuard(
  limits: RateLimits,
  { limiter, metrics, security }: RateGuardParts,
): RateGuard {
  const others = createOtherRules(limits)
  const users = { ...others, ...createUserRules(limits.rateLimit) }
  const visitors = { ...others, ...createUserRules(limits.visitorRateLimit) }
  const refusals = new Refusals()
  const slowly = new SlowRefusals()

  async function ask(rule: RuleName, key: string, points?: number): Promise<number> {
    const knownMs = refusals.leftMs(rule, key)
    if (knownMs > 0) return knownMs
    const rules = isVisitorId(key) ? visitors : users
    const decision = await limiter.take(rules[rule], key, points)
    if (decision.allowed) return 0
    refusals.remember(rule, key, decision.retryAfterMs)
    return decision.retryAfterMs
  }

  return {
    async take(rule, key) {
      const retryAfterMs = await ask(rule, key)
      if (retryAfterMs === 0) return
      metrics.rateLimited(rule)
      if (rule === 'refused') await slowly.wait()
      throw tooManyRequests(retryAfterMs)
    },
    refuse: (rule, key, forMs) => refusals.remember(rule, key, forMs),
    async chargeRead(userId, work, paid = 1) {
      const points = toPoints(work) - paid
      if (points > 0) await ask('read', userId, points)
    },
    async chargeTranscript(userId, work) {
      const waitMs = await ask('transcript', userId, toPoints(work))
      if (waitMs === 0) return 0
      metrics.rateLimited('transcript')
      // Nobody is refused, so no answer leaves that would count it.
      security.note('limit-hit', { userId })
      return waitMs
    },
  }
}

function toPoints({ entries, length }: ReadWork): number {
  return Math.ceil((entries * LENGTH_PER_ENTRY + length) / LENGTH_PER_POINT)
}

/** The refusals that are in force. */
class Refusals {
  readonly #endsAt = new Map<string, number>()

  /** Returns 0 if nothing is refused. */
  leftMs(rule: RuleName, key: string): number {
    if (this.#endsAt.size === 0) return 0
    const id = toId(rule, key)
    const leftMs = (this.#endsAt.get(id) ?? 0) - performance.now()
    if (leftMs > 0) return leftMs
    this.#endsAt.delete(id)
    return 0
  }

  remember(rule: RuleName, key: string, forMs: number): void {
    const [oldest] = this.#endsAt.keys()
    if (oldest !== undefined && this.#endsAt.size >= MAX_REFUSALS) this.#endsAt.delete(oldest)
    this.#endsAt.set(toId(rule, key), performance.now() + forMs)
  }
}

function toId(rule: RuleName, key: string): string {
  return `${rule} ${key}`
}

function createRule(name: RuleName, points: number, durationMs = MINUTE_MS): RateRule {
  return { name, points, durationMs }
}

function createUserRules(rateLimit: number): UserRules {
  const perUser = (cost: Cost, name: UserRule = cost): RateRule =>
    batched(createRule(name, rateLimit * PER_MESSAGE[cost]))
  return {
    message: perUser('message'),
    write: perUser('write'),
    read: perUser('read'),
    signal: perUser('signal'),
    transcript: perUser('read', 'transcript'),
  }
}

function createOtherRules(limits: RateLimits): Record<OtherRule, RateRule> {
  const rule = createRule
  return {
    handshake: rule('handshake', HANDSHAKES),
    visitor: rule('visitor', RENEWALS),
    // Counted by address, which many users may share.
    upgrade: batched(rule('upgrade', limits.handshakesPerAddress)),
    newVisitor: rule('newVisitor', limits.newVisitorsPerAddress),
    refused: rule('refused', PER_ADDRESS.refused),
    expired: rule('expired', limits.handshakesPerAddress),
    public: rule('public', PER_ADDRESS.public),
    signIn: rule('signIn', PER_ADDRESS.signIn),
    signInMail: rule('signInMail', SIGN_IN_MAILS, SIGN_IN_MAILS_MS),
  }
}

/** Batches a rule, because a round trip per typing signal would delay every message. */
function batched(rule: RateRule): RateRule {
  const batch = Math.max(1, Math.min(MAX_BATCH, Math.floor(rule.points * BATCH_SHARE)))
  return { ...rule, batch }
}

export function tooManyRequests(retryAfterMs: number): AppError {
  return new AppError('TOO_MANY_REQUESTS', 'Too many requests. Try again later.', {
    retryAfterMs,
  })
}
