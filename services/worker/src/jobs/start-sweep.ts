import { backoffMs, toAppError, type Clock } from '@chatbox/core'
import type { Logger, Metrics } from '@chatbox/kit'

interface SweepDeps {
  clock: Pick<Clock, 'random'>
  logger: Pick<Logger, 'info' | 'warn'>
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
 * workers spread out; never two at once. Each round is counted, and a line is written when a sweep
 * begins to fail, fails with another code or works again. `stop` resolves when a running one has
 * ended.
 */
export function startSweep(
  { clock, logger, metrics }: SweepDeps,
  { name, everyMs, run }: Sweep,
): { stop(): Promise<void> } {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  /** The code that the last round failed with. */
  let failing: string | undefined
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
      if (failing !== undefined) logger.info({ sweep: name }, 'sweep works again')
      failing = undefined
    } catch (error) {
      metrics.swept(name, 'failed')
      const { code } = toAppError(error)
      if (failing !== code) logger.warn({ sweep: name, err: error }, 'sweep failed')
      failing = code
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
