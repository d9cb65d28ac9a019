import type { JobPayload } from '@chatbox/contract'
import type { Alerts, Clock, JobQueue, MessageLog, Presence, Sessions } from '@chatbox/core'
import type { Logger, Metrics, Settings } from '@chatbox/kit'
import { createChannels } from '../channels/create-channels.ts'
import { toConsoleLink } from '../channels/notice.ts'
import { startSweep } from '../sweeps/start-sweeps.ts'
import type { AlertContext } from './alert-context.ts'
import { AlertRunner } from './alert-runner.ts'
import { createQuietHours } from './quiet-hours.ts'
import { AlertWatch } from './alert-watch.ts'

export interface AlertParts {
  alerts: Alerts
  sessions: Sessions
  messages: MessageLog
  presence: Presence
  queue: JobQueue
  models: { failing(): string[] }
  clock: Clock
  logger: Logger
  metrics: Metrics
  pseudonym: (name: string) => string
}

export interface AlertTimes {
  leaseMs: number
  sweepEveryMs: number
  watchEveryMs: number
  backoff: { baseMs: number; maxMs: number }
}

/** A dead worker's alert goes to another one after a lease and a sweep. */
const TIMES: AlertTimes = {
  leaseMs: 15_000,
  sweepEveryMs: 1000,
  watchEveryMs: 5000,
  backoff: { baseMs: 10_000, maxMs: 900_000 },
}
const FORGET_EVERY_MS = 3_600_000
/** How long the record says what became of an alert. */
const KEEP_MS = 90 * 86_400_000

export interface RunningAlerts {
  /** Runs a job. Returns one word of a closed set. */
  onJob(payload: JobPayload<'deliver-alert'>): Promise<string>
  stop(graceMs: number): Promise<void>
}

/** Starts to deliver alerts, and to look after what gives reason for one. */
export function startAlerts(
  parts: AlertParts,
  { alerts: settings, server }: Pick<Settings, 'alerts' | 'server'>,
  times: Partial<AlertTimes> = {},
): RunningAlerts {
  const { leaseMs, sweepEveryMs, watchEveryMs, backoff } = { ...TIMES, ...times }
  const { publicUrl, pathPrefix } = server
  const context: AlertContext = {
    ...parts,
    channels: createChannels(settings, parts.clock),
    policy: {
      ...{ delayMs: settings.delayMs, escalateAfterMs: settings.escalateAfterMs },
      ...{ groupMs: settings.groupMs, cap: settings.cap, visitorText: settings.visitorText },
      quietUntil: createQuietHours(settings.quietHours, settings.timeZone),
      toLink: (sessionId) =>
        publicUrl === undefined ? undefined : toConsoleLink({ publicUrl, pathPrefix }, sessionId),
      ...{ leaseMs, backoff },
    },
  }
  const runner = new AlertRunner(context)
  const watch = new AlertWatch(context, parts)
  const sweeps = [
    { name: 'deliver-alerts', everyMs: sweepEveryMs, run: () => runner.sweep() },
    { name: 'watch-alerts', everyMs: watchEveryMs, run: () => watch.look() },
    { name: 'forget-alerts', everyMs: FORGET_EVERY_MS, run: () => forget(context) },
  ].map((sweep) => startSweep(parts, sweep))
  return {
    onJob: ({ alertId }) => runner.take(alertId),
    async stop(graceMs) {
      const ended = [runner.stop(graceMs), ...sweeps.map((sweep) => sweep.stop())]
      await Promise.all(ended)
    },
  }
}

async function forget({ alerts, clock }: AlertContext): Promise<void> {
  await alerts.forget(new Date(+clock.now() - KEEP_MS))
}
