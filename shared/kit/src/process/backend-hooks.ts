import type { AdapterHooks, SchemaHooks } from '@chatbox/core'
import { toReason } from '../logging/error-fields.ts'
import type { Logger } from '../logging/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'

/** What processes seal for each other. One that does not open was not written by any of them. */
const SEALED_SOURCES: ReadonlySet<string> = new Set(['bus', 'stop', 'broadcast'])

/** Counts and logs what back ends report. A back end that is down is one line, not a stack. */
export function createBackendHooks({
  logger,
  metrics,
}: {
  logger: Logger
  metrics: Metrics
}): AdapterHooks & Required<SchemaHooks> {
  const isNew = createRepetitionFilter()
  return {
    onError(component, error) {
      metrics.backendFailed(component)
      const reason = toReason(error)
      if (isNew(`${component} ${reason}`)) logger.warn({ component, reason }, 'a back end failed')
    },
    onPublishFailed: () => metrics.publishFailed(),
    onGap() {
      metrics.subscriptionGap()
      logger.info('subscriptions are back, viewers catch up')
    },
    onPayloadRefused(source, ids) {
      metrics.payloadRefused(source)
      const isSealed = SEALED_SOURCES.has(source)
      if (isSealed) metrics.securityEvent('forged-payload')
      // Anybody who reaches Redis can publish such ones without end.
      if (isSealed && !isNew(`refused ${source}`)) return
      logger.error({ source, ...ids }, 'a payload was refused by its schema')
    },
    onSchemaStep: ({ step, name, ms }) => logger.info({ step, ms }, `done: ${name}`),
    onSchemaWait: (version) => logger.info({ version }, 'waiting for a schema version'),
  }
}

/**
 * A back end that stays down reports the same error several times a second, on every connection.
 */
const REPEAT_AFTER_MS = 30_000
const MAX_REMEMBERED = 100

/** Returns a check that is true for a line that was not written recently. */
function createRepetitionFilter(): (line: string) => boolean {
  const writtenAt = new Map<string, number>()
  return (line) => {
    const now = performance.now()
    if (now - (writtenAt.get(line) ?? -Infinity) < REPEAT_AFTER_MS) return false
    if (writtenAt.size >= MAX_REMEMBERED) writtenAt.clear()
    writtenAt.set(line, now)
    return true
  }
}
