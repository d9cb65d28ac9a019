import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls `send` at a steady rate, whatever becomes of earlier calls, with the time at which each was
 * due (`performance.now()`): a client that waited for answers would hide what it had to wait for.
 */
export async function pace(
  perSecond: number,
  count: number,
  send: (index: number, dueAt: number) => void,
): Promise<void> {
  const startedAt = performance.now() + 20
  for (let index = 0; index < count; index += 1) {
    const dueAt = startedAt + (index * 1000) / perSecond
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    send(index, dueAt)
  }
}

/** Waits until `isDone`, at most so long; false where it did not come to that. */
export async function waitUntil(isDone: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!isDone()) {
    if (performance.now() > deadline) return false
    await sleep(10)
  }
  return true
}
