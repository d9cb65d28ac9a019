import { openBackend, type Backend, type BackendOptions } from '@chatbox/adapters'
import {
  createBackendHooks,
  openParts,
  toBackendOptions,
  type ProcessContext,
  type RunningProcess,
} from '@chatbox/kit'
import { createDeltaPace } from './answer/deltas/delta-pace.ts'
import { TIMING, type Timing } from './context.ts'
import { createModelDirectory } from './models/model-directory.ts'
import { toMaxWaiting } from './models/provider-limit.ts'
import { startAlerts, startWorker } from './start.ts'

/** What is not delivered until then is repeated by another worker, with the same id. */
const ALERT_GRACE_MS = 2000

/** Set only by tests, to show what happens without one of the safeties. */
export interface WorkerOverrides {
  toOptions?: (options: BackendOptions) => BackendOptions
  /** Wraps the back end. */
  wrap?: (backend: Backend) => Backend
  timing?: Partial<Timing>
}

/** Starts a worker of a cluster. Its parts start in the order of their dependencies. */
export function composeWorker(
  context: ProcessContext,
  { toOptions, wrap, timing }: WorkerOverrides = {},
): Promise<RunningProcess> {
  const { settings, logger, metrics, clock } = context
  metrics.processStarted('worker')
  return openParts(async (parts) => {
    const pace = createDeltaPace(timing?.deltaIntervalMs ?? TIMING.deltaIntervalMs)
    const models = createModelDirectory(settings.providers, context, {
      timeouts: settings.models,
      maxWaiting: toMaxWaiting(settings),
      gatherMs: () => pace.intervalMs(),
    })
    parts.add(() => models.close())
    const options = toBackendOptions(settings)
    const hooks = createBackendHooks(context)
    const backend = await openBackend(toOptions?.(options) ?? options, hooks)
    parts.add(() => backend.close())
    const ports = { ...(wrap?.(backend) ?? backend), logger, metrics, clock }
    const alerts = startAlerts({ ...ports, models }, settings)
    parts.add(() => alerts.stop(ALERT_GRACE_MS))
    const worker = await startWorker({ ...ports, models, pace, alerts }, { ...settings, timing })
    return {
      checks: backend.checks,
      async stop(graceMs) {
        metrics.draining()
        parts.add(() => worker.stop(graceMs))
        await parts.close()
      },
    }
  })
}
