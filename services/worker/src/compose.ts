import { openBackend } from '@chatbox/adapters'
import {
  createBackendHooks,
  toBackendOptions,
  type ProcessContext,
  type RunningProcess,
} from '@chatbox/kit'
import { createModelDirectory } from './llm/model-directory.ts'
import { startWorker } from './start.ts'

/** A worker of a cluster, in the order in which its parts need each other. */
export async function composeWorker(context: ProcessContext): Promise<RunningProcess> {
  const { settings, logger, metrics, clock } = context
  await using opened = new AsyncDisposableStack()
  const models = createModelDirectory(settings.providers, context)
  opened.defer(() => models.close())
  const backend = await openBackend(toBackendOptions(settings), createBackendHooks(context))
  opened.defer(() => backend.close())
  const worker = await startWorker({ ...backend, logger, metrics, clock, models }, settings)
  const parts = opened.move()
  return {
    checks: backend.checks,
    async stop(graceMs) {
      await worker.stop(graceMs)
      await parts.disposeAsync()
    },
  }
}
