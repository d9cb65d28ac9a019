import { openBackend, type Backend } from '@chatbox/adapters'
import {
  createBackendHooks,
  openParts,
  toBackendOptions,
  type ProcessContext,
  type RunningProcess,
} from '@chatbox/kit'
import { startGateway, toGatewayOptions } from './start.ts'

/** Set only by tests, to show what happens without one of the safeties. */
export interface GatewayOverrides {
  /** Wraps the back end. */
  wrap?: (backend: Backend) => Backend
}

/** Starts a gateway of a cluster. Its parts start in the order of their dependencies. */
export function composeGateway(
  context: ProcessContext,
  { wrap = (backend) => backend }: GatewayOverrides = {},
): Promise<RunningProcess> {
  const { settings, logger, metrics, clock, isReady } = context
  metrics.processStarted('gateway')
  return openParts(async (parts) => {
    const backend = await openBackend(toBackendOptions(settings), createBackendHooks(context))
    parts.add(() => backend.close())
    const ports = { ...wrap(backend), logger, metrics, clock, isReady }
    const gateway = await startGateway(ports, toGatewayOptions(settings))
    parts.add(() => gateway.stop())
    return {
      checks: backend.checks,
      async stop(graceMs) {
        metrics.draining()
        parts.add(() => gateway.drain({ deadlineMs: graceMs }))
        await parts.close()
      },
    }
  })
}
