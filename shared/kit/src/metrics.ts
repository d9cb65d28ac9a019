import { collectDefaultMetrics, Registry } from 'prom-client'
import { createInstruments, type Instruments } from './instruments.ts'

/**
 * Every metric of the system, one function for each thing that happens. Labels are closed sets:
 * never a session, a user, a room or a text.
 */
export interface Metrics {
  registry: Registry
  // gateway
  connections(change: 1 | -1): void
  handshakeRefused(code: string): void
  eventAnswered(event: string, outcome: string, seconds: number): void
  httpAnswered(route: string, status: number, seconds: number): void
  messageAccepted(): void
  rateLimited(rule: string): void
  sessionResynced(entries: number): void
  deltaDropped(): void
  slowReaderClosed(): void
  // worker
  replyFinished(modelId: string, status: string, seconds: number): void
  firstDelta(modelId: string, seconds: number): void
  deltaPublished(): void
  tokensUsed(modelId: string, prompt: number, completion: number): void
  providerCalled(modelId: string, outcome: string): void
  breakerOpen(modelId: string, open: boolean): void
  replyTakenOver(): void
  writeFenced(): void
  leaseLost(): void
  reconciled(kind: string): void
  jobDone(name: string, outcome: string, seconds: number): void
  // adapters
  backendFailed(component: string): void
  publishFailed(): void
  subscriptionGap(): void
  payloadRefused(source: string): void
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
    ...connectionMetrics(instruments),
    ...answerMetrics(instruments),
    ...replyMetrics(instruments),
    ...providerMetrics(instruments),
    ...faultMetrics(instruments),
  }
}

function connectionMetrics({ gauge, counter, histogram }: Instruments) {
  const open = gauge('chatbox_open_connections', 'Sockets that are connected now.')
  const refused = counter(
    'chatbox_handshakes_refused_total',
    'One handshake that was refused, by error code.',
    'code',
  )
  const entries = histogram('chatbox_resync_entries', 'Log entries sent in one catch-up.', {
    buckets: [0, 1, 2, 5, 10, 20, 50, 100, 200],
  })
  const dropped = counter(
    'chatbox_deltas_dropped_total',
    'One delta not sent because its reader lags; the reader catches up from the log.',
  )
  const closed = counter(
    'chatbox_slow_readers_closed_total',
    'One socket closed because its reader did not keep up.',
  )
  return {
    connections: (change: 1 | -1) => open.inc({}, change),
    handshakeRefused: (code: string) => refused.inc({ code }),
    sessionResynced: (count: number) => entries.observe({}, count),
    deltaDropped: () => dropped.inc(),
    slowReaderClosed: () => closed.inc(),
  }
}

/**
 * Durations carry no outcome: a histogram costs a dozen series for every combination of labels, a
 * counter costs one.
 */
function answerMetrics({ counter, histogram }: Instruments) {
  const eventSeconds = histogram(
    'chatbox_event_duration_seconds',
    'From one client event to its acknowledgement.',
    { buckets: FAST, labels: ['event'] },
  )
  const events = counter(
    'chatbox_events_answered_total',
    'One client event that was acknowledged, with ok or an error code.',
    'event',
    'outcome',
  )
  const httpSeconds = histogram(
    'chatbox_http_duration_seconds',
    'From one HTTP request to the end of its response.',
    { buckets: FAST, labels: ['route'] },
  )
  const responses = counter(
    'chatbox_http_responses_total',
    'One HTTP request that was answered.',
    'route',
    'status',
  )
  const messages = counter(
    'chatbox_messages_accepted_total',
    'One message that is durable and acknowledged, repetitions left out.',
  )
  const limited = counter(
    'chatbox_rate_limited_total',
    'One event, request or handshake refused by a rate limit.',
    'rule',
  )
  return {
    eventAnswered(event: string, outcome: string, seconds: number) {
      eventSeconds.observe({ event }, seconds)
      events.inc({ event, outcome })
    },
    httpAnswered(route: string, status: number, seconds: number) {
      httpSeconds.observe({ route }, seconds)
      responses.inc({ route, status: String(status) })
    },
    messageAccepted: () => messages.inc(),
    rateLimited: (rule: string) => limited.inc({ rule }),
  }
}

function replyMetrics({ counter, histogram }: Instruments) {
  const replySeconds = histogram(
    'chatbox_reply_duration_seconds',
    'From one question to its finished reply.',
    { buckets: SLOW, labels: ['model'] },
  )
  const replies = counter(
    'chatbox_replies_total',
    'One reply that is in the log, by its status.',
    'model',
    'status',
  )
  const firstSeconds = histogram(
    'chatbox_first_delta_seconds',
    'From one question to the first text of its reply.',
    { buckets: SLOW, labels: ['model'] },
  )
  const deltas = counter('chatbox_deltas_published_total', 'One delta sent to the gateways.')
  const tokens = counter(
    'chatbox_tokens_total',
    'Tokens that a provider counted, of the prompt or the completion.',
    'model',
    'kind',
  )
  return {
    replyFinished(model: string, status: string, seconds: number) {
      replySeconds.observe({ model }, seconds)
      replies.inc({ model, status })
    },
    firstDelta: (model: string, seconds: number) => firstSeconds.observe({ model }, seconds),
    deltaPublished: () => deltas.inc(),
    tokensUsed(model: string, prompt: number, completion: number) {
      tokens.inc({ model, kind: 'prompt' }, prompt)
      tokens.inc({ model, kind: 'completion' }, completion)
    },
  }
}

function providerMetrics({ gauge, counter, histogram }: Instruments) {
  const calls = counter(
    'chatbox_provider_calls_total',
    'One request to a model provider, by how it ended.',
    'model',
    'outcome',
  )
  const breaker = gauge(
    'chatbox_open_breakers',
    'Whether the circuit breaker of a provider is open: 1 or 0.',
    'model',
  )
  const jobSeconds = histogram('chatbox_job_duration_seconds', 'One run of a job.', {
    buckets: SLOW,
    labels: ['job'],
  })
  const jobs = counter('chatbox_jobs_total', 'One run of a job, by how it ended.', 'job', 'outcome')
  return {
    providerCalled: (model: string, outcome: string) => calls.inc({ model, outcome }),
    breakerOpen: (model: string, isOpen: boolean) => breaker.set({ model }, isOpen ? 1 : 0),
    jobDone(job: string, outcome: string, seconds: number) {
      jobSeconds.observe({ job }, seconds)
      jobs.inc({ job, outcome })
    },
  }
}

function faultMetrics({ counter }: Instruments) {
  const takenOver = counter(
    'chatbox_replies_taken_over_total',
    'One reply that this worker went on with after another had let it go.',
  )
  const fenced = counter(
    'chatbox_writes_fenced_total',
    'One write refused because a later attempt owns the reply.',
  )
  const leases = counter('chatbox_leases_lost_total', 'One lease that ended under its holder.')
  const reconciled = counter(
    'chatbox_reconciled_total',
    'One thing left behind that the reconciler took up, by what it was.',
    'kind',
  )
  const failures = counter(
    'chatbox_backend_failures_total',
    'One failure that a back end adapter reported.',
    'component',
  )
  const publishes = counter(
    'chatbox_publish_failures_total',
    'One event that could not be sent to the other processes; viewers catch up from the log.',
  )
  const gaps = counter(
    'chatbox_subscription_gaps_total',
    'One return of the subscriptions after a time in which events may have been missed.',
  )
  const refused = counter(
    'chatbox_payloads_refused_total',
    'One job, bus message or document that its schema refused.',
    'source',
  )
  return {
    replyTakenOver: () => takenOver.inc(),
    writeFenced: () => fenced.inc(),
    leaseLost: () => leases.inc(),
    reconciled: (kind: string) => reconciled.inc({ kind }),
    backendFailed: (component: string) => failures.inc({ component }),
    publishFailed: () => publishes.inc(),
    subscriptionGap: () => gaps.inc(),
    payloadRefused: (source: string) => refused.inc({ source }),
  }
}

/** Seconds: an acknowledgement takes milliseconds, a deadline of the store ends at 3 s. */
const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3]
/** Seconds: a model takes from a tenth of a second to its total timeout of two minutes. */
const SLOW = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 120]
