import { openBackend } from '@chatbox/adapters'
import {
  createBackendHooks,
  toBackendOptions,
  type ProcessContext,
  type RunningProcess,
} from '@chatbox/kit'
import { startGateway } from './start.ts'
import { toGatewayOptions } from './to-gateway-options.ts'

/** A gateway of a cluster, in the order in which its parts need each other. */
export async function composeGateway(context: ProcessContext): Promise<RunningProcess> {
  const { settings, logger, metrics, clock, isReady } = context
  await using opened = new AsyncDisposableStack()
  const backend = await openBackend(toBackendOptions(settings), createBackendHooks(context))
  opened.defer(() => backend.close())
  const gateway = await startGateway(
    { ...backend, logger, metrics, clock, isReady },
    toGatewayOptions(settings),
  )
  opened.defer(() => gateway.stop())
  const parts = opened.move()
  return {
    checks: backend.checks,
    async stop(graceMs) {
      await gateway.drain({ deadlineMs: graceMs })
      await parts.disposeAsync()
    },
  }
}
