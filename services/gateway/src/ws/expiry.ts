import type { Clock } from '@chatbox/core'

const WARNING_MS = 60_000
/** A longer delay makes Node fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

export interface ExpiryEvents {
  onExpiring(expiresAt: Date): void
  onExpired(): void
}

export interface Expiry {
  /** Begins anew with the expiry of another token. */
  set(expiresAt: Date): void
  stop(): void
}

/** Calls `onExpiring` 60 s before a token's end, or at once where less is left, and `onExpired` at it. */
export function watchExpiry(clock: Pick<Clock, 'now'>, events: ExpiryEvents): Expiry {
  let timer: NodeJS.Timeout | undefined

  function callAt(time: number, run: () => void): void {
    const delayMs = time - clock.now().getTime()
    timer =
      delayMs > MAX_DELAY_MS
        ? setTimeout(() => callAt(time, run), MAX_DELAY_MS)
        : setTimeout(run, Math.max(0, delayMs))
    timer.unref()
  }

  return {
    set(expiresAt) {
      clearTimeout(timer)
      const endsAt = expiresAt.getTime()
      callAt(endsAt - WARNING_MS, () => {
        events.onExpiring(expiresAt)
        callAt(endsAt, () => events.onExpired())
      })
    },
    stop: () => clearTimeout(timer),
  }
}
