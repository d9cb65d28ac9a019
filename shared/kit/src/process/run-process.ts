import type { Clock } from '@chatbox/core'
import { createHealth, type Health, type HealthCheck } from '../health/health.ts'
import { startManagementServer } from '../health/management-server.ts'
import type { Logger } from '../logging/logger.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import { findMisspelledNames } from '../settings/describe-settings.ts'
import type { ProcessKind } from '../settings/setting.ts'
import { doubtsAbout, printConfig } from '../settings/settings-in-force.ts'
import type { Settings } from '../settings/settings.ts'
import { createClock } from './clock.ts'
import { loadEnv } from './load-env.ts'
import { prepareDataDir } from './prepare-data-dir.ts'
import { openLog, readOrRefuse, refuseStart, waitForStopSignal } from './process-edge.ts'

/** What a process has before its own parts start. */
export interface ProcessContext {
  settings: Settings
  logger: Logger
  metrics: Metrics
  clock: Clock
  isReady: Health['isReady']
}

export interface RunningProcess {
  /** The address of the chat page; undefined if there is none. */
  address?: string
  /** The console's address with a sign-in link, for a person at a terminal. It belongs in no log. */
  consoleAddress?: string | undefined
  /** The checks that decide readiness from now on. */
  checks: Record<string, HealthCheck>
  /** Stops everything in the reverse order of its start, within `graceMs`. */
  stop(graceMs: number): Promise<void>
}

type Start = (context: ProcessContext) => Promise<RunningProcess>

/** The share of the drain time for draining; the rest is for closing what did not drain. */
const GRACE_SHARE = 0.8

/** The time for a process that could not start to close what it had opened. */
const FAILED_START_MS = 2000

/**
 * Runs a process: settings, management port, start, signal, drain, end. While back ends are down,
 * `start` waits, `/healthz` answers and `/readyz` says 503.
 */
export async function runProcess(kind: ProcessKind, start: Start): Promise<void> {
  const env = loadEnv()
  const settings = readOrRefuse(env, kind)
  if (!settings) return
  if (process.argv.includes('--print-config')) {
    process.stdout.write(`${printConfig(settings)}\n`)
    return
  }
  try {
    const prepared = prepareDataDir(settings)
    const logger = openLog(kind, prepared.settings, isTrial(prepared.settings))
    for (const misspelled of findMisspelledNames(env)) {
      logger.warn(misspelled, 'a variable looks like a setting but is unknown')
    }
    for (const doubt of doubtsAbout(prepared.settings)) logger.warn(doubt)
    if (prepared.keysFile) logger.info({ file: prepared.keysFile }, 'using development keys')
    await live({ settings: prepared.settings, logger }, start)
  } catch (error) {
    refuseStart(error, settings)
    endWithin(FAILED_START_MS)
  }
}

function announce(
  { address, consoleAddress }: Pick<RunningProcess, 'address' | 'consoleAddress'>,
  where: Pick<ProcessContext, 'settings' | 'logger'> & { managementPort: number },
): void {
  const { settings, logger, managementPort } = where
  if (!address || !isTrial(settings)) {
    logger.info({ address, managementPort }, 'ready')
    return
  }
  process.stdout.write(`chatbox is ready: ${address}\n`)
  if (consoleAddress) process.stdout.write(`the operators' console: ${consoleAddress}\n`)
}

/** True for a process whose output a person reads at a terminal, not a log collector. */
function isTrial({ process: { mode, production } }: Settings): boolean {
  return mode === 'standalone' && !production
}

async function live(
  { settings, logger }: Pick<ProcessContext, 'settings' | 'logger'>,
  start: Start,
): Promise<void> {
  const stopSignal = waitForStopSignal()
  const { isReady, ...health } = createHealth()
  const metrics = createMetrics()
  const { registry } = metrics
  await openParts(async (parts) => {
    const address = { host: settings.server.managementHost, port: settings.server.managementPort }
    const management = await startManagementServer({ registry, isReady }, address)
    parts.add(() => management.stop())
    const starting = start({ settings, logger, metrics, clock: createClock(), isReady })
    const running = await Promise.race([starting, stopSignal])
    if (typeof running === 'string') {
      logger.info({ signal: running }, 'ending before it was ready')
      // Nothing was served yet, and a start that waits for a back end cannot be cancelled.
      process.exit(0)
    }
    parts.add(() => running.stop(settings.process.drainTimeoutMs * GRACE_SHARE))
    health.start(running.checks)
    announce(running, { settings, logger, managementPort: management.port })
    logger.info({ signal: await stopSignal }, 'draining')
    health.drain()
    endWithin(settings.process.drainTimeoutMs, logger)
    await parts.close()
  })
  logger.info('ended')
}

/** Ends the process after this time at the latest, and logs what is still open. */
function endWithin(timeoutMs: number, logger?: Logger): void {
  const end = () => {
    logger?.error({ open: process.getActiveResourcesInfo() }, 'ending before everything was closed')
    process.exit(1)
  }
  setTimeout(end, timeoutMs).unref()
}

type Close = () => Promise<void>

/** What a process has opened so far. */
export interface OpenParts {
  /** Registers how to close the part that was opened last. */
  add(close: Close): void
  /** Closes all of them in reverse order, even if one fails. */
  close(): Promise<void>
}

/** Runs `build`. If it fails, closes what it had opened and throws the error on. */
export async function openParts<T>(build: (parts: OpenParts) => Promise<T>): Promise<T> {
  const parts = createOpenParts()
  try {
    return await build(parts)
  } catch (error) {
    // The failed start is the cause to report. A part that cannot be closed only follows from it.
    await parts.close().catch(() => undefined)
    throw error
  }
}

function createOpenParts(): OpenParts {
  const closers: Close[] = []
  return {
    add: (close) => void closers.push(close),
    async close() {
      const errors: unknown[] = []
      for (const close of closers.splice(0).reverse()) {
        await close().catch((error: unknown) => errors.push(error))
      }
      if (errors.length > 0) throw new AggregateError(errors, 'some parts could not be closed')
    },
  }
}
