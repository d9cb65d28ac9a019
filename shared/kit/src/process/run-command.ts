import { constants } from 'node:os'
import type { Logger } from '../logging/logger.ts'
import type { Env, ProcessKind } from '../settings/setting.ts'
import type { Settings } from '../settings/settings.ts'
import { loadEnv } from './load-env.ts'
import { openLog, readOrRefuse, refuseStart, waitForStopSignal } from './process-edge.ts'

export interface CommandContext {
  settings: Settings
  logger: Logger
  /** Aborts when the process is told to stop. */
  signal: AbortSignal
}

/** The time for a stopped command to close what it has opened. */
const STOP_MS = 3000

/** `EX_CONFIG` of sysexits: a restart does not help. */
const EXIT_MISUSED = 78

/**
 * Runs a program that does one thing and ends. Its exit code is 0 if `run` resolves. Otherwise it
 * prints one line that says why. It serves no port. After a signal it ends within 3 s, and not with
 * 0. If `explainMisuse` returns a sentence, the command is useless here: it prints only the
 * sentence and ends.
 */
export async function runCommand(
  kind: ProcessKind,
  run: (context: CommandContext) => Promise<void>,
  explainMisuse: (env: Env) => string | undefined = () => undefined,
): Promise<void> {
  const env = loadEnv()
  const misuse = explainMisuse(env)
  if (misuse !== undefined) {
    process.stderr.write(`chatbox: ${misuse}\n`)
    process.exitCode = EXIT_MISUSED
    return
  }
  const settings = readOrRefuse(env, kind)
  if (!settings) return
  const logger = openLog(kind, settings, !settings.process.production)
  const stop = new AbortController()
  void waitForStopSignal().then((signal) => {
    logger.info({ signal }, 'stopped before it was done')
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
