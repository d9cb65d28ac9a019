import { backoffMs, type Clock } from '@chatbox/core'
import type { Logger, Metrics } from '@chatbox/kit'

interface SweepDeps {
  clock: Pick<Clock, 'random'>
  logger: Logger
  metrics: Pick<Metrics, 'swept'>
}

export interface Sweep {
  /** Also a label: one of a closed set. */
  name: string
  everyMs: number
  run: () => Promise<void>
}

/**
 * Runs a sweep again and again, each time after a pause of half to all of `everyMs`, so that many
 * workers spread out; never two at once. `stop` resolves when a running one has ended.
 */
export function startSweep(
  { clock, logger, metrics }: SweepDeps,
  { name, everyMs, run }: Sweep,
): { stop(): Promise<void> } {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let timer = schedule()

  function schedule(): NodeJS.Timeout {
    const pauseMs = backoffMs(1, { baseMs: everyMs, maxMs: everyMs }, () => clock.random())
    return setTimeout(() => {
      running = sweep()
    }, pauseMs)
  }

  async function sweep(): Promise<void> {
    try {
      await run()
      metrics.swept(name, 'ok')
    } catch (error) {
      metrics.swept(name, 'failed')
      logger.warn({ sweep: name, err: error }, 'sweep failed')
    }
    if (!stopped) timer = schedule()
  }

  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
