import { setTimeout as sleep } from 'node:timers/promises'
import type { Sample } from '../compare/comparison.ts'

export interface Rate {
  perSecond: number
  count: number
}

/**
 * Calls `send` at a steady rate with the time at which the call was due (`performance.now()`). It
 * does not wait for earlier calls, because that would hide the delay.
 */
export async function pace(
  { perSecond, count }: Rate,
  send: (index: number, dueAt: number) => void,
): Promise<void> {
  const startedAt = performance.now() + 20
  for (let index = 0; index < count; index += 1) {
    const dueAt = startedAt + (index * 1000) / perSecond
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    send(index, dueAt)
  }
}

/** Waits until `isDone` returns true. Returns false after the time limit. */
export async function waitUntil(isDone: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!isDone()) {
    if (performance.now() > deadline) return false
    await sleep(10)
  }
  return true
}

/**
 * What was sent and what arrived. A contestant with any lost, repeated or misplaced item is
 * disqualified.
 */
export class Tally {
  readonly latenciesMs: number[] = []
  sent = 0
  delivered = 0
  duplicates = 0
  misordered = 0

  toSample(): Sample {
    const { sent, delivered, duplicates, misordered } = this
    return {
      sent,
      delivered,
      lost: Math.max(0, sent - delivered),
      duplicates,
      misordered,
      'latency p50': percentile(this.latenciesMs, 0.5),
      'latency p99': percentile(this.latenciesMs, 0.99),
    }
  }
}

const SETTLE_MS = 10_000

/**
 * Starts `work` at a steady rate and waits for all of it, up to 10 s after the last one. Work that
 * resolves counts as delivered; its latency counts from when it was due.
 */
export async function tallyPaced(
  rate: Rate,
  work: (index: number, tally: Tally) => Promise<unknown>,
): Promise<Tally> {
  const tally = new Tally()
  let settled = 0
  await pace(rate, (index, dueAt) => {
    tally.sent += 1
    work(index, tally)
      .then(() => {
        tally.delivered += 1
        tally.latenciesMs.push(performance.now() - dueAt)
      })
      .catch(() => undefined)
      .finally(() => {
        settled += 1
      })
  })
  await waitUntil(() => settled === rate.count, SETTLE_MS)
  return tally
}

/** Returns the value that the share `p` of the samples does not exceed. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? Number.NaN
}
