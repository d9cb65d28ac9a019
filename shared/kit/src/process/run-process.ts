import type { Clock } from '@chatbox/core'
import { createHealth, type Health, type HealthCheck } from '../health/health.ts'
import { startManagementServer } from '../health/management-server.ts'
import type { Logger } from '../logging/logger.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import { findMisspelledNames } from '../settings/describe-settings.ts'
import type { ProcessKind } from '../settings/setting.ts'
import { printConfig } from '../settings/settings-in-force.ts'
import type { Settings } from '../settings/settings.ts'
import { createClock } from './clock.ts'
import { loadEnv } from './load-env.ts'
import { prepareDataDir } from './prepare-data-dir.ts'
import { openLog, readOrRefuse, refuseStart, waitForStopSignal } from './process-edge.ts'

/** What every process has before any part of it starts. */
export interface ProcessContext {
  settings: Settings
  logger: Logger
  metrics: Metrics
  clock: Clock
  isReady: Health['isReady']
}

export interface RunningProcess {
  /** Of the chat page; a process without one has none. */
  address?: string
  /** What readiness asks from now on. */
  checks: Record<string, HealthCheck>
  /** Ends everything in the reverse order of its start, within `graceMs`. */
  stop(graceMs: number): Promise<void>
}

type Start = (context: ProcessContext) => Promise<RunningProcess>

/** The part of the drain time for what drains; the rest is for closing what does not. */
const GRACE_SHARE = 0.8

/** How long a process that could not start may take to let go of what it had opened. */
const FAILED_START_MS = 2000

/**
 * The life of a process: settings, management port, start, signal, drain, end. `start` may take as
 * long as its back ends are away; meanwhile `/healthz` answers and `/readyz` says 503.
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
      logger.warn(misspelled, 'a variable that looks like a setting is none')
    }
    if (prepared.keysFile) logger.info({ file: prepared.keysFile }, 'using development keys')
    await live({ settings: prepared.settings, logger }, start)
  } catch (error) {
    refuseStart(error, settings)
    endWithin(FAILED_START_MS)
  }
}

function announce(
  address: string | undefined,
  where: Pick<ProcessContext, 'settings' | 'logger'> & { managementPort: number },
): void {
  const { settings, logger, managementPort } = where
  if (address && isTrial(settings)) process.stdout.write(`chatbox is ready: ${address}\n`)
  else logger.info({ address, managementPort }, 'ready')
}

/** A person at a terminal, not a log collector, reads what such a process prints. */
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
    const address = { host: settings.server.host, port: settings.server.managementPort }
    const management = await startManagementServer({ registry, isReady }, address)
    parts.add(() => management.stop())
    const starting = start({ settings, logger, metrics, clock: createClock(), isReady })
    const running = await Promise.race([starting, stopSignal])
    if (typeof running === 'string') {
      logger.info({ signal: running }, 'ending before it was ready')
      // Nothing was served yet, and a start that waits for a back end cannot be called off.
      process.exit(0)
    }
    parts.add(() => running.stop(settings.process.drainTimeoutMs * GRACE_SHARE))
    health.start(running.checks)
    announce(running.address, { settings, logger, managementPort: management.port })
    logger.info({ signal: await stopSignal }, 'draining')
    health.drain()
    endWithin(settings.process.drainTimeoutMs, logger)
    await parts.close()
  })
  logger.info('ended')
}

/** The process ends when nothing is left to do; what still holds it after this time is named. */
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
  /** Says how the part that was opened last is closed. */
  add(close: Close): void
  /** Closes all of them in the reverse order; one that fails keeps no other open. */
  close(): Promise<void>
}

/** Runs `build`; where it fails, closes what it had opened and throws on. */
export async function openParts<T>(build: (parts: OpenParts) => Promise<T>): Promise<T> {
  const parts = createOpenParts()
  try {
    return await build(parts)
  } catch (error) {
    // The reason of the failed start is the one to tell; a part that cannot be closed is its echo.
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
