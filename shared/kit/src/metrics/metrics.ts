import { collectDefaultMetrics, Registry } from 'prom-client'
import { createBudgetMetrics, type BudgetMetrics } from './budget-metrics.ts'
import { createGatewayMetrics, type GatewayMetrics } from './gateway-metrics.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts'

/**
 * The version of the product. It is a constant, because a bundled program has no package file
 * beside it. A test compares the two.
 */
export const VERSION = '0.1.0'

/**
 * Every metric of the system, with one function for each event. Labels have fixed sets of values:
 * never a session, a user, a room or a text.
 */
export interface Metrics
  extends
    GatewayMetrics,
    WorkerMetrics,
    BudgetMetrics,
    ReturnType<typeof createFaultMetrics>,
    ReturnType<typeof createProcessMetrics> {
  registry: Registry
}

/**
 * How often the event loop's lag is sampled. This is ten times cheaper than the library's default,
 * and a lag that matters is far longer.
 */
const EVENT_LOOP_PRECISION_MS = 100

/**
 * Gauges that the library names like counters, so that tools compute their rates. Each is the sum
 * of another gauge by `type`.
 */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** Creates metrics on their own registry. Several can exist in one process, as in tests. */
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
    ...createBudgetMetrics(instruments),
    ...createFaultMetrics(instruments),
    ...createProcessMetrics(instruments),
  }
}

/** What every process reports about itself. */
function createProcessMetrics({ gauge }: Instruments) {
  const build = gauge(
    'chatbox_build_info',
    'Always 1: the service that this process is, and its version.',
    'service',
    'version',
  )
  const draining = gauge(
    'chatbox_draining',
    'Whether this process has been told to end and takes nothing new: 1 or 0.',
  )
  return {
    processStarted(service: string) {
      build.set({ service, version: VERSION }, 1)
      draining.set({}, 0)
    },
    draining: () => draining.set({}, 1),
  }
}

/** Faults that were repaired. They matter only if they keep growing. */
function createFaultMetrics({ count }: Instruments) {
  return {
    replyTakenOver: count(
      'chatbox_replies_taken_over_total',
      'One reply that this worker went on with after another had let it go.',
    ),
    writeFenced: count(
      'chatbox_writes_fenced_total',
      'One write refused because a later attempt owns the reply.',
    ),
    leaseLost: count('chatbox_leases_lost_total', 'One lease that ended under its holder.'),
    reconciled: count(
      'chatbox_reconciled_total',
      'One thing left behind that the reconciler took up, by what it was.',
      'kind',
    ),
    backendFailed: count(
      'chatbox_backend_failures_total',
      'One failure that a back end adapter reported.',
      'component',
    ),
    publishFailed: count(
      'chatbox_publish_failures_total',
      'One event that could not be sent to the other processes; viewers catch up from the log.',
    ),
    subscriptionGap: count(
      'chatbox_subscription_gaps_total',
      'One return of the subscriptions after a time in which events may have been missed.',
    ),
    payloadRefused: count(
      'chatbox_payloads_refused_total',
      'One job, bus message or document that its schema refused.',
      'source',
    ),
  }
}
