import { toReason } from './error-fields.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** Has the shape of the adapters' hooks, which kit may not import. */
export interface BackendHooks {
  onError(component: string, error: unknown): void
  onPublishFailed(): void
  onGap(): void
  onPayloadRefused(source: string, ids: Record<string, string>): void
}

/** Counts and logs what back ends report. A back end that is away is one line, not a stack. */
export function createBackendHooks(deps: { logger: Logger; metrics: Metrics }): BackendHooks {
  const { logger, metrics } = deps
  return {
    onError(component, error) {
      metrics.backendFailed(component)
      logger.warn({ component, reason: toReason(error) }, 'a back end failed')
    },
    onPublishFailed: () => metrics.publishFailed(),
    onGap() {
      metrics.subscriptionGap()
      logger.info('subscriptions are back; viewers catch up')
    },
    onPayloadRefused(source, ids) {
      metrics.payloadRefused(source)
      logger.error({ source, ...ids }, 'a payload was refused by its schema')
    },
  }
}
