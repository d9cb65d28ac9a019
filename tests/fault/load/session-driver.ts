import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BareSend, BareViewer } from '../clients/bare-viewer.ts'
import type { CoreViewer } from '../clients/core-viewer.ts'
import type { Random } from '../random.ts'

/** One session with everybody who looks at it. */
export interface DrivenSession {
  /** `ask`: every message wants an answer of the model. `talk`: a person has taken over. */
  kind: 'ask' | 'talk'
  name: string
  sessionId: string
  bares: BareViewer[]
  core: CoreViewer
}

export interface DriverOptions {
  /** Mean of the time from one message to the next, whatever became of the one before. */
  everyMs: number
  /** It is over after so many messages. */
  retireAfter?: number
  /** How many of the messages that a bare viewer sends have their answer dropped. */
  dropShare: number
  /** How many questions want a long answer, and how long these are. */
  longShare: number
  longTokens: readonly [low: number, high: number]
  stopShare: number
  random: Random
}

export interface DriverCounts {
  /** Messages that were begun. */
  begun: number
  /** Times at which too much was under way to begin another one. */
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
  /** Answers that are still to be dropped. */
  drops: number
}

/** Of one session: a user who waits for several answers does not go on and on. */
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

/** Everything that happens in one session, in a rhythm of its own. */
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

  /** Until `signal`, or until enough was sent. What is under way then goes on; see `settle`. */
  async run(signal: AbortSignal): Promise<void> {
    const { random, everyMs, retireAfter = Infinity } = this.#options
    while (this.counts.begun < retireAfter) {
      const pauseMs = Math.min(random.exponential(everyMs), everyMs * 5)
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      this.#act()
    }
  }

  /** Waits until every message is acknowledged or given up. */
  async settle(): Promise<void> {
    await Promise.all([...this.#underway])
  }

  /** Gives up what is not acknowledged yet. */
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

  /** Sometimes stops a reply, and sometimes asks again for one that was stopped or failed. */
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

  /** One message, as often as it takes: until it is acknowledged as often as is wanted. */
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

  /** One try; false where there is to be another one. */
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

  /** Each try by another viewer, who is on another gateway. */
  #pickOnline(tries: number): BareViewer | undefined {
    const online = this.#session.bares.filter((bare) => bare.isOnline())
    return online[(this.#number + tries) % Math.max(1, online.length)]
  }

  /** The content of a message, unlike any other one. */
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

  /** Questions at the end of the log that have no answer yet. */
  #unanswered(): number {
    if (this.#session.kind === 'talk') return 0
    const shown = this.#session.bares.map((bare) => bare.shown())
    const longest = shown.reduce((a, b) => (b.length > a.length ? b : a), [])
    const recent = longest.slice(-RECENT)
    const answered = new Set(recent.map(({ replyTo }) => replyTo))
    return recent.filter(({ id, sender }) => sender === 'user' && !answered.has(id)).length
  }
}
