import { settlesWithin, type Alert } from '@chatbox/core'
import type { AlertContext } from './alert-context.ts'
import { deliverAlert } from './deliver-alert.ts'

/** A server may be silent for a minute, so that many are asked at once. */
const PLACES = 32

/**
 * Delivers alerts beside the jobs. A job only says that there is one: a silent mail server must not
 * take the place of an answer.
 */
export class AlertRunner {
  readonly #context: AlertContext
  readonly #running = new Set<Promise<void>>()
  readonly #stop = new AbortController()

  constructor(context: AlertContext) {
    this.#context = context
  }

  /** Begins to deliver an alert, unless all places are taken: then a sweep finds it. */
  async take(alertId: string): Promise<'begun' | 'busy' | 'not-due'> {
    const { alerts, policy } = this.#context
    if (this.#running.size >= PLACES) return 'busy'
    const alert = await alerts.claim(alertId, policy.leaseMs)
    if (alert) this.#begin(alert)
    return alert ? 'begun' : 'not-due'
  }

  /** Takes up what is due until nothing is. */
  async sweep(): Promise<void> {
    const { alerts, policy } = this.#context
    while (!this.#stop.signal.aborted) {
      const free = PLACES - this.#running.size
      if (free === 0) await Promise.race(this.#running)
      else {
        const due = await alerts.claimDue(free, policy.leaseMs)
        for (const alert of due) this.#begin(alert)
        if (due.length < free) return
      }
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#stop.abort(new Error('this worker stops'))
    await settlesWithin(graceMs, Promise.all(this.#running))
  }

  #begin(alert: Alert): void {
    const { logger } = this.#context
    const running = deliverAlert(this.#context, alert, this.#stop.signal)
      .catch((error: unknown) => {
        // The lease ends, and then the next sweep takes it up.
        if (!this.#stop.signal.aborted) {
          logger.warn({ alertId: alert.id, err: error }, 'alert not delivered')
        }
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }
}
