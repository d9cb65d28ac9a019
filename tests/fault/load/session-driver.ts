import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BareSend, BareViewer } from '../clients/bare-viewer.ts'
import type { CoreViewer } from '../clients/core-viewer.ts'
import type { Random } from '../random.ts'

/** One session with all its viewers. */
export interface DrivenSession {
  /** `ask`: the model must answer every message. `talk`: a person has taken over. */
  kind: 'ask' | 'talk'
  name: string
  sessionId: string
  bares: BareViewer[]
  core: CoreViewer
}

export interface DriverOptions {
  /** The mean time between two messages. It does not depend on their results. */
  everyMs: number
  /** The session ends after this many messages. */
  retireAfter?: number
  /** The share of a bare viewer's messages whose answer is dropped. */
  dropShare: number
  /** The share of questions with a long answer, and its length. */
  longShare: number
  longTokens: readonly [low: number, high: number]
  stopShare: number
  random: Random
}

export interface DriverCounts {
  /** The number of started messages. */
  begun: number
  /** How often a message was skipped because too much was in progress. */
  skipped: number
  acknowledged: number
  resends: number
  stops: number
  retries: number
}

export const NO_COUNTS: Readonly<DriverCounts> = {
  begun: 0,
  skipped: 0,
  acknowledged: 0,
  resends: 0,
  stops: 0,
  retries: 0,
}

interface Delivery {
  message: BareSend
  /** The number of answers that will still be dropped. */
  drops: number
}

/** Per session: a user who waits for several answers stops asking. */
const MAX_UNDERWAY = 4
const MAX_UNANSWERED = 3
const RECENT = 30
const MAX_TRIES = 60
const PAUSE_MS = { low: 200, high: 1200 }
const WAIT_ONLINE_MS = 50
const OTHER_BODY_SHARE = 0.3
const CORE_SHARE = 0.25
const RETRY_SHARE = 0.15
const LARGE_SHARE = 0.02
const LARGE_LENGTH = 6000

/** Drives one session at its own pace. */
export class SessionDriver {
  readonly counts: DriverCounts = { ...NO_COUNTS }
  readonly #session: DrivenSession
  readonly #options: DriverOptions
  readonly #underway = new Set<Promise<void>>()
  readonly #retried = new Set<string>()
  #number = 0
  #isEnding = false

  constructor(session: DrivenSession, options: DriverOptions) {
    this.#session = session
    this.#options = options
  }

  /** Runs until `signal` aborts or enough was sent. Messages in progress continue; see `settle`. */
  async run(signal: AbortSignal): Promise<void> {
    const { random, everyMs, retireAfter = Infinity } = this.#options
    while (this.counts.begun < retireAfter) {
      const pauseMs = Math.min(random.exponential(everyMs), everyMs * 5)
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      this.#act()
    }
  }

  /** Waits until every message is acknowledged or abandoned. */
  async settle(): Promise<void> {
    await Promise.all([...this.#underway])
  }

  /** Abandons messages without acknowledgement. */
  giveUp(): void {
    this.#isEnding = true
  }

  underway(): number {
    return this.#underway.size + this.#session.core.unsent()
  }

  #act(): void {
    const { random } = this.#options
    if (this.#session.kind === 'ask') this.#steer()
    if (this.underway() >= MAX_UNDERWAY || this.#unanswered() >= MAX_UNANSWERED) {
      this.counts.skipped += 1
      return
    }
    this.counts.begun += 1
    this.#number += 1
    if (random.chance(CORE_SHARE)) {
      this.#session.core.send(this.#toValue('c'))
      return
    }
    this.#watch(this.#deliver())
  }

  /** Sometimes stops a reply or retries one that was stopped or failed. */
  #steer(): void {
    const { random } = this.#options
    const viewer = this.#session.bares.find((bare) => bare.isOnline())
    if (!viewer) return
    const [replyId] = viewer.drafts()
    if (replyId && random.chance(this.#options.stopShare)) {
      this.counts.stops += 1
      this.#watch(viewer.steer('stop', replyId))
      return
    }
    const unfinished = viewer
      .shown()
      .slice(-RECENT)
      .find(({ id, sender, status }) => {
        return sender === 'ai' && status !== 'complete' && !this.#retried.has(id)
      })
    if (!unfinished || !random.chance(RETRY_SHARE)) return
    this.#retried.add(unfinished.id)
    this.counts.retries += 1
    this.#watch(viewer.steer('retry', unfinished.id))
  }

  #watch(work: Promise<unknown>): void {
    const watched = work.then(() => undefined)
    this.#underway.add(watched)
    void watched.finally(() => this.#underway.delete(watched))
  }

  /** Sends one message until it has as many acknowledgements as required. */
  async #deliver(): Promise<void> {
    const { random, dropShare } = this.#options
    const clientMessageId = randomUUID()
    const delivery: Delivery = {
      message: { clientMessageId, value: this.#toValue('0'), resend: 0 },
      drops: random.chance(dropShare) ? random.integer(1, 2) : 0,
    }
    for (let tries = 0; tries < MAX_TRIES && !this.#isEnding; tries += 1) {
      const viewer = this.#pickOnline(tries)
      if (!viewer) await sleep(WAIT_ONLINE_MS)
      else if (await this.#isDelivered(viewer, delivery)) return
    }
  }

  /** Tries once. Returns false if there should be another try. */
  async #isDelivered(viewer: BareViewer, delivery: Delivery): Promise<boolean> {
    const { message } = delivery
    const answer = await viewer.send({ ...message })
    if (answer.phase === 'ok') {
      this.counts.acknowledged += 1
      if (delivery.drops === 0) return true
      delivery.drops -= 1
      this.#toResend(message, 'dropped')
      return false
    }
    if (answer.phase === 'fail' && !answer.retryable) return true
    if (answer.phase === 'unknown') this.#toResend(message, 'failed')
    const leastMs = answer.retryAfterMs ?? 0
    await sleep(Math.max(leastMs, this.#options.random.between(PAUSE_MS.low, PAUSE_MS.high)))
    return false
  }

  #toResend(message: BareSend, cause: 'dropped' | 'failed'): void {
    const { random } = this.#options
    message.resend += 1
    message.cause = cause
    this.counts.resends += 1
    if (random.chance(OTHER_BODY_SHARE)) message.value = this.#toValue(String(message.resend))
  }

  /** Each try uses another viewer, which is on another gateway. */
  #pickOnline(tries: number): BareViewer | undefined {
    const online = this.#session.bares.filter((bare) => bare.isOnline())
    return online[(this.#number + tries) % Math.max(1, online.length)]
  }

  /** Returns a unique content for a message. */
  #toValue(variant: string): string {
    const { random, longShare, longTokens } = this.#options
    const head = `#${this.#session.name}.${this.#number}.${variant}.${randomUUID().slice(0, 8)}`
    if (this.#session.kind === 'talk') {
      const length = random.chance(LARGE_SHARE) ? LARGE_LENGTH : random.integer(5, 120)
      return `${head} ${'word '.repeat(length / 5)}`.trim()
    }
    const [low, high] = random.chance(longShare) ? longTokens : [1, 6]
    return `${head} tokens=${random.integer(low, high)}`
  }

  /** Returns the number of unanswered questions at the end of the log. */
  #unanswered(): number {
    if (this.#session.kind === 'talk') return 0
    const shown = this.#session.bares.map((bare) => bare.shown())
    const longest = shown.reduce((a, b) => (b.length > a.length ? b : a), [])
    const recent = longest.slice(-RECENT)
    const answered = new Set(recent.map(({ replyTo }) => replyTo))
    return recent.filter(({ id, sender }) => sender === 'user' && !answered.has(id)).length
  }
}
