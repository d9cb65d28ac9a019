import type { Alert, AlertChange } from '@chatbox/core'
import type { AlertContext } from './alert-context.ts'

/**
 * The claim of one alert. Renews it after a third of the lease while it is being sent. Once it is
 * lost, `signal` aborts and nothing more is written.
 */
export class AlertLease {
  readonly alert: Alert
  readonly #context: Pick<AlertContext, 'alerts' | 'policy' | 'logger'>
  readonly #lost = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly signal: AbortSignal
  #saving: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(
    context: Pick<AlertContext, 'alerts' | 'policy' | 'logger'>,
    alert: Alert,
    stopped: AbortSignal,
  ) {
    this.alert = alert
    this.#context = context
    this.signal = AbortSignal.any([stopped, this.#lost.signal])
    this.#timer = setInterval(() => this.#renew(), context.policy.leaseMs / 3)
  }

  get leaseMs(): number {
    return this.#context.policy.leaseMs
  }

  /** Writes one after the other, so that none overtakes. Returns false if the claim is lost. */
  async save(change: AlertChange): Promise<boolean> {
    if (change.state !== 'claimed') this.end()
    const saved = this.#saving.then(async () => {
      if (this.#lost.signal.aborted) return false
      return this.#context.alerts.save(this.alert, change)
    })
    this.#saving = saved.catch(() => undefined)
    if (await saved) return true
    this.#lost.abort(new Error('another worker has the alert'))
    return false
  }

  end(): void {
    this.#ended = true
    clearInterval(this.#timer)
  }

  #renew(): void {
    // While the store is away, nobody else can claim it either.
    this.save({ state: 'claimed', leaseMs: this.leaseMs }).catch((error: unknown) => {
      if (!this.#ended) this.#context.logger.warn({ err: error }, 'alert not renewed')
    })
  }
}
