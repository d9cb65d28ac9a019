import type { Instruments } from './instruments.ts'

/** What went wrong and was put right: alarming only when it keeps growing. */
export interface FaultMetrics {
  replyTakenOver(): void
  writeFenced(): void
  leaseLost(): void
  reconciled(kind: string): void
  backendFailed(component: string): void
  publishFailed(): void
  subscriptionGap(): void
  payloadRefused(source: string): void
}

export function createFaultMetrics({ counter }: Instruments): FaultMetrics {
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
