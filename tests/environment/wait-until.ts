import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when `holds` returns true. Rejects after `timeoutMs`. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const endsAt = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > endsAt)
      throw new Error(`not within ${timeoutMs} ms: ${holds.toString()}`)
    await sleep(10)
  }
}
