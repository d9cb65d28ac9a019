import { constants } from 'node:os'

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const
type StopSignal = (typeof STOP_SIGNALS)[number]

/**
 * Ctrl-C reaches a process twice when a package manager started it: from the terminal and passed
 * on by the manager, a few milliseconds apart. The second one is no second wish.
 */
const SAME_KEY_PRESS_MS = 100

/** Resolves at the first signal to stop. A second one ends the process at once. */
export function waitForStopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    for (const signal of STOP_SIGNALS) {
      process.on(signal, () => {
        const now = performance.now()
        if (firstAt === undefined) {
          firstAt = now
          resolve(signal)
        } else if (signal !== 'SIGINT' || now - firstAt > SAME_KEY_PRESS_MS) {
          process.exit(128 + constants.signals[signal])
        }
      })
    }
  })
}
