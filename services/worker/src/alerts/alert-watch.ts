import { ALERT_RULES, toAppError, type AlertRuleName, type JobQueue } from '@chatbox/core'
import type { AlertContext } from './alert-context.ts'

const HOUR_MS = 3_600_000
/** From this age of the oldest job on, people wait. */
const BEHIND_MS = 60_000
/** An election or a restart takes less. */
const AWAY_MS = 60_000

interface Watched {
  queue: Pick<JobQueue, 'oldestWaitingMs' | 'ping'>
  models: { failing(): string[] }
}

/**
 * Looks after what gives reason for an alert without an entry. One thing is one alert an hour, for
 * all workers together: they make the same id.
 */
export class AlertWatch {
  readonly #context: AlertContext
  readonly #watched: Watched
  /** Since when a part does not answer, and for which hour it was told. */
  readonly #away = new Map<string, { since: number; toldAt?: string }>()
  #noted = false

  constructor(context: AlertContext, watched: Watched) {
    this.#context = context
    this.#watched = watched
  }

  async look(): Promise<void> {
    const { queue, models } = this.#watched
    const store = await this.#ask('store', () => this.#noteChannels())
    const behind = await this.#ask('queue', () => queue.oldestWaitingMs())
    if (store.isAway) return
    for (const model of models.failing()) await this.open('model.failing', model)
    if (behind.isAway) return
    if ((behind.value ?? 0) >= BEHIND_MS) await this.open('jobs.behind', 'jobs')
  }

  /** Opens an alert of this hour. */
  async open(rule: AlertRuleName, about: string): Promise<void> {
    await this.#context.alerts.open({ id: this.#toId(rule, about), rule, about })
  }

  #toId(rule: AlertRuleName, about: string): string {
    const { clock, pseudonym } = this.#context
    const hour = Math.floor(+clock.now() / HOUR_MS)
    return `${rule}~${pseudonym(`${about} ${hour}`)}`
  }

  /** The first look, and each that follows an outage, writes which channels there are. */
  async #noteChannels(): Promise<void> {
    const { alerts, channels } = this.#context
    if (this.#noted) {
      await alerts.listChannels()
      return
    }
    await alerts.noteChannels(channels.map(({ kind, recipient }) => ({ kind, recipient })))
    this.#noted = true
  }

  async #ask<T>(
    part: 'store' | 'queue',
    ask: () => Promise<T>,
  ): Promise<{ isAway: boolean; value?: T }> {
    try {
      const value = await ask()
      this.#away.delete(part)
      return { isAway: false, value }
    } catch (error) {
      if (toAppError(error).code !== 'UNAVAILABLE') throw error
      await this.#onAway(part)
      return { isAway: true }
    }
  }

  async #onAway(part: 'store' | 'queue'): Promise<void> {
    const now = performance.now()
    const away = this.#away.get(part) ?? { since: now }
    this.#away.set(part, away)
    const id = this.#toId('backend.away', part)
    if (now - away.since < AWAY_MS || away.toldAt === id) return
    away.toldAt = id
    if (part === 'queue') await this.open('backend.away', part)
    else await this.#tellWithoutRecord(id, part)
  }

  /**
   * There is nothing to write the record to, so each worker tells once an hour, all with one id.
   */
  async #tellWithoutRecord(id: string, about: string): Promise<void> {
    const { channels, clock, policy, metrics, logger } = this.#context
    const { channels: kinds, toSubject } = ALERT_RULES['backend.away']
    const link = policy.toLink(undefined)
    const notice = {
      ...{ id, kind: 'backend.away', subject: toSubject(1, about), time: clock.now() },
      ...(link === undefined ? {} : { link }),
    }
    const signal = AbortSignal.timeout(AWAY_MS)
    const meant = channels.filter(({ kind }) => kinds.includes(kind))
    const sent = await Promise.allSettled(meant.map((channel) => channel.send(notice, signal)))
    const isTold = sent.some(
      (one) => one.status === 'fulfilled' && one.value.outcome === 'delivered',
    )
    const outcome = isTold ? 'sent' : meant.length > 0 ? 'failed' : 'suppressed'
    metrics.alertSettled('backend.away', outcome)
    logger.warn({ alertId: id, part: about, outcome }, 'back end is away, alert without a record')
  }
}
