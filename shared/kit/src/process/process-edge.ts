import { constants } from 'node:os'
import { UnusableStoreError } from '@chatbox/core'
import { z } from 'zod'
import { isError, toReason } from '../logging/error-fields.ts'
import { createLogger, type Logger } from '../logging/logger.ts'
import { findMisspelledNames } from '../settings/describe-settings.ts'
import { readSettings, SettingsError } from '../settings/read-settings.ts'
import type { Env, ProcessKind } from '../settings/setting.ts'
import { listSecrets } from '../settings/settings-in-force.ts'
import type { Settings } from '../settings/settings.ts'

/** `EX_CONFIG` of sysexits: a restart does not help. */
const EXIT_BAD_SETTINGS = 78

/** Reads the settings. If they are wrong, prints the reasons, sets the exit code, returns undefined. */
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

/** Prints in one line why the process ends, or throws an error that needs its stack. */
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
  // This includes every unhandled rejection, which Node raises as this event.
  process.on('uncaughtException', (err, origin) => {
    logger.fatal({ err, origin }, 'ending because of an unhandled error')
    process.exit(1)
  })
  return logger
}

/** Thrown at the start for a fault that an operator can fix: shown as one line, without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/**
 * Explains in one line why a process cannot start. Returns undefined for a bug of the program, which
 * needs its stack.
 */
export function explainStartFault(error: unknown, settings: Settings): string | undefined {
  if (!isError(error)) return undefined
  if (error instanceof StartError || error instanceof UnusableStoreError) return error.message
  return explainSystemFault(error, settings)
}

function explainSystemFault(error: Error, settings: Settings): string | undefined {
  const reason = toReason(error)
  const { code, port, path } = toSystemFields(error)
  if (port !== undefined) {
    const name = port === settings.server.managementPort ? 'MANAGEMENT_PORT' : 'PORT'
    if (code === 'EADDRINUSE') return `${name} ${port} is taken by another process`
    return `${name} ${port} cannot be opened: ${reason}`
  }
  if (path !== undefined) return `${path} cannot be used: ${reason}`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `HOST ${reason}`
  return code === 'ERR_SQLITE_ERROR' ? `DATA_DIR: ${reason}` : undefined
}

const systemFieldsSchema = z.object({
  // The codes of our own errors, which wrap the system's, begin with other letters.
  code: z.string().startsWith('E').optional().catch(undefined),
  port: z.number().optional(),
  path: z.string().optional(),
})

/** Returns the fields of the error, or of the nearest cause with a system or store code. */
function toSystemFields(error: Error): z.infer<typeof systemFieldsSchema> {
  const fields = systemFieldsSchema.safeParse(error).data ?? {}
  return fields.code === undefined && isError(error.cause) ? toSystemFields(error.cause) : fields
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const
type StopSignal = (typeof STOP_SIGNALS)[number]

/**
 * If a package manager started the process, one Ctrl-C reaches it twice: from the terminal and from
 * the manager, a few milliseconds apart.
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
