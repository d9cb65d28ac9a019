import type { Instruments } from './instruments.ts'

/** The results of questions, jobs and calls to providers. */
export interface WorkerMetrics {
  /** Call it once, before the others. Shows all counters from the start. */
  workerStarted(): void
  repliesRunning(change: 1 | -1): void
  replyFinished(modelId: string, status: string, seconds: number): void
  firstDelta(modelId: string, seconds: number): void
  deltaPublished(): void
  tokensUsed(modelId: string, prompt: number, completion: number): void
  providerCalled(modelId: string, outcome: string): void
  breakerOpen(modelId: string, open: boolean): void
  jobDone(name: string, outcome: string, seconds: number): void
  swept(name: string, outcome: 'ok' | 'failed'): void
  /** An alert by its rule and how it ended: sent, failed or suppressed. */
  alertSettled(kind: string, outcome: string): void
  /** One attempt at one recipient. */
  alertDelivered(channel: string, outcome: string): void
  /** Sets the numbers of the queue. All workers share the queue and show the same numbers. */
  queueSeen(queue: string, jobs: Record<string, number>, oldestAgeSeconds: number): void
  queuePaused(queue: string, paused: boolean): void
  /**
   * Removes the queue's numbers. Otherwise an alert could not tell old numbers from those of a
   * quiet queue.
   */
  queueUnseen(): void
}

/** In seconds. A model takes from a tenth of a second to its total timeout of two minutes. */
const SLOW = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 120]
/** With a bound at 3 s, the objective for the start of a reply. */
const FIRST = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 60, 120]

export function createWorkerMetrics(instruments: Instruments): WorkerMetrics {
  return {
    ...replyMetrics(instruments),
    ...providerMetrics(instruments),
    ...jobMetrics(instruments),
    ...queueMetrics(instruments),
    ...alertMetrics(instruments),
  }
}

function replyMetrics({ gauge, counter, count, histogram }: Instruments) {
  const running = gauge('chatbox_replies_running', 'Replies that this worker is writing now.')
  const replySeconds = histogram(
    'chatbox_reply_duration_seconds',
    'From one question to its finished reply.',
    { buckets: SLOW, labels: ['model'] },
  )
  const countReply = count(
    'chatbox_replies_total',
    'One reply that is in the log, by its status.',
    'model',
    'status',
  )
  const firstSeconds = histogram(
    'chatbox_first_delta_seconds',
    'From one question to the first text of its reply.',
    { buckets: FIRST, labels: ['model'] },
  )
  const tokens = counter(
    'chatbox_tokens_total',
    'Tokens that a provider counted, of the prompt or the completion.',
    'model',
    'kind',
  )
  return {
    workerStarted: () => running.set({}, 0),
    repliesRunning: (change: 1 | -1) => running.inc({}, change),
    replyFinished(model: string, status: string, seconds: number) {
      replySeconds.observe({ model }, seconds)
      countReply(model, status)
    },
    firstDelta: (model: string, seconds: number) => firstSeconds.observe({ model }, seconds),
    deltaPublished: count('chatbox_deltas_published_total', 'One delta sent to the gateways.'),
    tokensUsed(model: string, prompt: number, completion: number) {
      tokens.inc({ model, kind: 'prompt' }, prompt)
      tokens.inc({ model, kind: 'completion' }, completion)
    },
  }
}

function providerMetrics({ gauge, count }: Instruments) {
  const breaker = gauge(
    'chatbox_open_breakers',
    'Whether the circuit breaker of a provider is open: 1 or 0.',
    'model',
  )
  return {
    providerCalled: count(
      'chatbox_provider_calls_total',
      'One request to a model provider, by how it ended.',
      'model',
      'outcome',
    ),
    breakerOpen: (model: string, isOpen: boolean) => breaker.set({ model }, isOpen ? 1 : 0),
  }
}

function jobMetrics({ count, histogram }: Instruments) {
  const jobSeconds = histogram('chatbox_job_duration_seconds', 'One run of a job.', {
    buckets: SLOW,
    labels: ['job'],
  })
  const countJob = count(
    'chatbox_jobs_total',
    'One run of a job, by how it ended.',
    'job',
    'outcome',
  )
  return {
    jobDone(job: string, outcome: string, seconds: number) {
      jobSeconds.observe({ job }, seconds)
      countJob(job, outcome)
    },
    swept: count(
      'chatbox_sweeps_total',
      'One round of a regular task of this worker; `watch-queue` and, in a cluster, `watch-budgets` fail without Redis, the others without the store.',
      'sweep',
      'outcome',
    ),
  }
}

function alertMetrics({ count }: Instruments) {
  return {
    alertSettled: count(
      'chatbox_alerts_total',
      'One alert that has ended, by its rule and how: sent to somebody, failed or suppressed.',
      'kind',
      'outcome',
    ),
    alertDelivered: count(
      'chatbox_alert_deliveries_total',
      'One attempt to bring an alert to one recipient, by how it ended.',
      'channel',
      'outcome',
    ),
  }
}

function queueMetrics({ gauge }: Instruments) {
  const jobs = gauge(
    'chatbox_queue_jobs',
    'Jobs in a queue by state, at most one waiting for each session; left out while the queue does not answer.',
    'queue',
    'state',
  )
  const age = gauge(
    'chatbox_queue_oldest_job_age_seconds',
    'Time since the waiting job whose turn is next was first enqueued, earlier tries included; 0 where none waits, left out while the queue does not answer.',
    'queue',
  )
  const isPaused = gauge(
    'chatbox_queue_paused',
    'Whether an admin has paused a queue (1): no job begins until it goes on. Left out while the queue does not answer.',
    'queue',
  )
  return {
    queuePaused(queue: string, paused: boolean) {
      isPaused.set({ queue }, paused ? 1 : 0)
    },
    queueSeen(queue: string, counts: Record<string, number>, oldestAgeSeconds: number) {
      for (const [state, number] of Object.entries(counts)) jobs.set({ queue, state }, number)
      age.set({ queue }, oldestAgeSeconds)
    },
    queueUnseen() {
      jobs.clear()
      age.clear()
      isPaused.clear()
    },
  }
}
