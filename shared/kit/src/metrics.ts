import type { Registry } from 'prom-client'

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
