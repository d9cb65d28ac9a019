import { openBackend } from '@chatbox/adapters'
import { startGateway, toGatewayOptions } from '@chatbox/gateway'
import {
  createBackendHooks,
  openParts,
  toBackendOptions,
  type ProcessContext,
  type RunningProcess,
  type Settings,
} from '@chatbox/kit'
import {
  createDeltaPace,
  createModelDirectory,
  startAlerts,
  startWorker,
  TIMING,
  toMaxWaiting,
} from '@chatbox/worker'

/** The share of the drain time for sockets, which leave before replies are handed over. */
const GATEWAY_SHARE = 0.5
const WORKER_SHARE = 0.3
/** What is not delivered until then is repeated after the next start, with the same id. */
const ALERT_GRACE_MS = 2000

/** Starts a gateway and a worker in one process on the embedded back end. */
export function composeStandalone(context: ProcessContext): Promise<RunningProcess> {
  const { settings, logger, metrics, clock, isReady } = context
  metrics.processStarted('standalone')
  return openParts(async (parts) => {
    const pace = createDeltaPace(TIMING.deltaIntervalMs)
    const models = createModelDirectory(settings.providers, context, {
      timeouts: settings.models,
      maxWaiting: toMaxWaiting(settings),
      gatherMs: () => pace.intervalMs(),
    })
    parts.add(() => models.close())
    const backend = await openBackend(toBackendOptions(settings), createBackendHooks(context))
    parts.add(() => backend.close())
    const ports = { ...backend, logger, metrics, clock }
    const alerts = startAlerts({ ...ports, models }, settings)
    parts.add(() => alerts.stop(ALERT_GRACE_MS))
    const worker = await startWorker({ ...ports, models, pace, alerts }, settings)
    parts.add(() => worker.stop(settings.process.drainTimeoutMs * WORKER_SHARE))
    const isTrial = !settings.process.production
    const signInLinks = isTrial ? { deliver: printLink } : undefined
    const gateway = await startGateway(
      { ...ports, isReady, signInLinks },
      toGatewayOptions(settings),
    )
    parts.add(() => gateway.stop())
    return {
      address: pageAddress(settings.server),
      ...(isTrial ? { consoleAddress: await gateway.createSignInLink() } : {}),
      checks: backend.checks,
      async stop(graceMs) {
        metrics.draining()
        parts.add(() => gateway.drain({ deadlineMs: graceMs * GATEWAY_SHARE }))
        await parts.close()
      },
    }
  })
}

/** For a trial, in which the operator sees the terminal and no mail is sent. */
async function printLink(address: string, link: string): Promise<void> {
  process.stdout.write(`sign-in link for ${address}: ${link}\n`)
}

function pageAddress({ publicUrl, port, pathPrefix }: Settings['server']): string {
  return `${publicUrl ?? `http://localhost:${port}`}${pathPrefix}/`
}
