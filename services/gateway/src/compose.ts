import { openBackend, type Backend } from '@chatbox/adapters'
import {
  createBackendHooks,
  openParts,
  toBackendOptions,
  type ProcessContext,
  type RunningProcess,
} from '@chatbox/kit'
import { startGateway, toGatewayOptions } from './start.ts'

/** Only tests pass any, to see what becomes of the system without one of its safeties. */
export interface GatewayOverrides {
  /** Stands in front of the back end. */
  wrap?: (backend: Backend) => Backend
}

/** A gateway of a cluster, in the order in which its parts need each other. */
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
