import { collectDefaultMetrics, Registry } from 'prom-client'
import { createFaultMetrics, type FaultMetrics } from './fault-metrics.ts'
import { createGatewayMetrics, type GatewayMetrics } from './gateway-metrics.ts'
import { createInstruments } from './instruments.ts'
import { createProcessMetrics, type ProcessMetrics } from './process-metrics.ts'
import { createQueueMetrics, type QueueMetrics } from './queue-metrics.ts'
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts'

/**
 * Every metric of the system, one function for each thing that happens. Labels are closed sets:
 * never a session, a user, a room or a text.
 */
export interface Metrics
  extends GatewayMetrics, WorkerMetrics, QueueMetrics, FaultMetrics, ProcessMetrics {
  registry: Registry
}

/**
 * The event loop's lag is sampled this often: ten times cheaper than the library's default, and
 * a lag that matters here is far longer.
 */
const EVENT_LOOP_PRECISION_MS = 100

/**
 * Gauges that the library gives the ending of a counter, so that tools take rates of them; each is
 * the sum of another one by `type`.
 */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** Metrics on a registry of their own: several may live in one process, as tests do. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
  })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const instruments = createInstruments(registry)
  return {
    registry,
    ...createGatewayMetrics(instruments),
    ...createWorkerMetrics(instruments),
    ...createQueueMetrics(instruments),
    ...createFaultMetrics(instruments),
    ...createProcessMetrics(instruments),
  }
}
