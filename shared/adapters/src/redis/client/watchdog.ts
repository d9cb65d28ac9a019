interface Watched {
  stuckAfterMs: number
  /** Whether the worker runs nothing. */
  isIdle(): boolean
  /** Rejects while Redis is away. */
  countWaiting(): Promise<number>
  restart(): Promise<void>
}

/**
 * Restarts a worker that runs nothing although jobs wait and Redis answers: BullMQ's workers have
 * been seen to sleep on after a reconnection, and a half-open connection looks the same from inside.
 * Answers a function that ends the watch.
 */
export function startWatchdog(watched: Watched): () => void {
  let idleSince: number | undefined
  let checking = false

  async function check(): Promise<void> {
    const isHungry = watched.isIdle() && (await watched.countWaiting().catch(() => 0)) > 0
    if (!isHungry || !watched.isIdle()) {
      idleSince = undefined
      return
    }
    idleSince ??= Date.now()
    if (Date.now() - idleSince < watched.stuckAfterMs) return
    idleSince = undefined
    await watched.restart()
  }

  const timer = setInterval(() => {
    if (checking) return
    checking = true
    void check().finally(() => (checking = false))
  }, watched.stuckAfterMs / 5).unref()
  return () => clearInterval(timer)
}
