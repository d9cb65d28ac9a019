import { UnusableStoreError } from '@chatbox/core'
import { createLogger, type Logger } from '../logging/logger.ts'
import { findMisspelledNames } from '../settings/misspelled-names.ts'
import { readSettings, SettingsError } from '../settings/read-settings.ts'
import { listSecrets } from '../settings/print-config.ts'
import type { Env } from '../settings/setting.ts'
import type { ProcessKind } from '../settings/setting.ts'
import type { Settings } from '../settings/settings.ts'
import { explainStartFault } from './start-fault.ts'

/** `EX_CONFIG` of sysexits: no restart helps. */
const EXIT_BAD_SETTINGS = 78

/** Undefined where they are refused: then all is said, and the process has nothing more to do. */
export function readOrRefuse(env: Env, kind: ProcessKind): Settings | undefined {
  try {
    return readSettings(env, kind)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    const hints = findMisspelledNames(env).map(
      ({ name, meant }) => `${name} is not a setting${meant ? `; ${meant} is` : ''}`,
    )
    refuse(EXIT_BAD_SETTINGS, [...error.faults, ...hints])
    return undefined
  }
}

/** Says in one line why it ends, or throws what only a stack explains. */
export function refuseStart(error: unknown, settings: Settings): void {
  const reason = explainStartFault(error, settings)
  if (reason === undefined) throw error
  refuse(error instanceof UnusableStoreError ? EXIT_BAD_SETTINGS : 1, [reason])
}

function refuse(exitCode: number, reasons: readonly string[]): void {
  process.stderr.write(reasons.map((reason) => `chatbox: ${reason}\n`).join(''))
  process.exitCode = exitCode
}

/** `plain`: for a person at a terminal, not for a log collector. */
export function openLog(kind: ProcessKind, settings: Settings, plain: boolean): Logger {
  const secrets = listSecrets(settings)
  const logger = createLogger(kind, settings.process.logLevel, { plain, secrets })
  // Also every unhandled rejection: Node raises it as this event.
  process.on('uncaughtException', (err, origin) => {
    logger.fatal({ err, origin }, 'ending after an error that nothing handled')
    process.exit(1)
  })
  return logger
}
