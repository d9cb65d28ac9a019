import { openBackend } from '@chatbox/adapters'
import { startGateway, toGatewayOptions } from '@chatbox/gateway'
import {
  createBackendHooks,
  toBackendOptions,
  type ProcessContext,
  type RunningProcess,
  type Settings,
} from '@chatbox/kit'
import { createModelDirectory, startWorker } from '@chatbox/worker'

/** Gateway and worker in one process on the embedded back end. */
export async function composeStandalone(context: ProcessContext): Promise<RunningProcess> {
  const { settings, logger, metrics, clock, isReady } = context
  await using opened = new AsyncDisposableStack()
  const models = createModelDirectory(settings.providers, context)
  opened.defer(() => models.close())
  const backend = await openBackend(toBackendOptions(settings), createBackendHooks(context))
  opened.defer(() => backend.close())
  const worker = await startWorker({ ...backend, logger, metrics, clock, models }, settings)
  opened.defer(() => worker.stop(0))
  const gateway = await startGateway(
    { ...backend, logger, metrics, clock, isReady },
    toGatewayOptions(settings),
  )
  opened.defer(() => gateway.stop())
  const parts = opened.move()
  return {
    address: pageAddress(settings),
    checks: backend.checks,
    async stop(graceMs) {
      // Half of the time for each: the replies that are being written stop when nobody reads them.
      await gateway.drain({ deadlineMs: graceMs / 2 })
      await worker.stop(graceMs / 2)
      await parts.disposeAsync()
    },
  }
}

function pageAddress({ publicUrl, port, pathPrefix }: Settings): string {
  return `${publicUrl ?? `http://localhost:${port}`}${pathPrefix}/`
}
