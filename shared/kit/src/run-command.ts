import { constants } from 'node:os'
import { loadEnv } from './config.ts'
import type { Logger } from './logger.ts'
import { openLog, readOrRefuse, refuseStart } from './process-edge.ts'
import type { ProcessKind, Settings } from './settings.ts'
import { waitForStopSignal } from './stop-signal.ts'

export interface CommandContext {
  settings: Settings
  logger: Logger
  /** Aborts when the process is told to stop. */
  signal: AbortSignal
}

/** How long a command that is told to stop may take to let go of what it had begun. */
const STOP_MS = 3000

/**
 * The life of a program that does one thing and ends: with 0 when `run` resolves, else with one line
 * that says why. It serves no port. After a signal it ends within 3 s, and not with 0.
 */
export async function runCommand(
  kind: ProcessKind,
  run: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const settings = readOrRefuse(loadEnv(), kind)
  if (!settings) return
  const logger = openLog(kind, settings, !settings.production)
  const stop = new AbortController()
  void waitForStopSignal().then((signal) => {
    logger.info({ signal }, 'ending before it was done')
    process.exitCode = 128 + constants.signals[signal]
    stop.abort()
    setTimeout(() => process.exit(), STOP_MS).unref()
  })
  try {
    await run({ settings, logger, signal: stop.signal })
  } catch (error) {
    if (!stop.signal.aborted) refuseStart(error, settings)
  }
}
