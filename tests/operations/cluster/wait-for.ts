import { setTimeout as sleep } from 'node:timers/promises'

const TIMEOUT_MS = 90_000
const POLL_MS = 250

/** Resolves once `holds`; rejects with the name of what did not come where that takes too long. */
export async function waitFor(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const endsAt = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`${what} did not come within ${timeoutMs} ms`)
    await sleep(POLL_MS)
  }
}
