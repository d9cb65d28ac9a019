import { openBackend } from '@chatbox/adapters'
import {
  createBackendHooks,
  openParts,
  toBackendOptions,
  type ProcessContext,
  type RunningProcess,
} from '@chatbox/kit'
import { createModelDirectory } from './llm/model-directory.ts'
import { startWorker } from './start.ts'

/** A worker of a cluster, in the order in which its parts need each other. */
export function composeWorker(context: ProcessContext): Promise<RunningProcess> {
  const { settings, logger, metrics, clock } = context
  return openParts(async (parts) => {
    const models = createModelDirectory(settings.providers, context, {
      timeouts: { totalMs: settings.llmStreamTimeoutMs },
    })
    parts.add(() => models.close())
    const backend = await openBackend(toBackendOptions(settings), createBackendHooks(context))
    parts.add(() => backend.close())
    const worker = await startWorker({ ...backend, logger, metrics, clock, models }, settings)
    return {
      checks: backend.checks,
      async stop(graceMs) {
        parts.add(() => worker.stop(graceMs))
        await parts.close()
      },
    }
  })
}
