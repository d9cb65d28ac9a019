import { collectDefaultMetrics, Registry } from 'prom-client'
import { createFaultMetrics, type FaultMetrics } from './fault-metrics.ts'
import { createGatewayMetrics, type GatewayMetrics } from './gateway-metrics.ts'
import { createInstruments } from './instruments.ts'
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts'

/**
 * Every metric of the system, one function for each thing that happens. Labels are closed sets:
 * never a session, a user, a room or a text.
 */
export interface Metrics extends GatewayMetrics, WorkerMetrics, FaultMetrics {
  registry: Registry
}

/**
 * The event loop's lag is sampled this often: ten times cheaper than the library's default, and
 * a lag that matters here is far longer.
 */
const EVENT_LOOP_PRECISION_MS = 100

/** Metrics on a registry of their own: several may live in one process, as tests do. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
  })
  const instruments = createInstruments(registry)
  return {
    registry,
    ...createGatewayMetrics(instruments),
    ...createWorkerMetrics(instruments),
    ...createFaultMetrics(instruments),
  }
}
