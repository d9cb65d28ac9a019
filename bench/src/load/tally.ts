import { percentile } from './percentile.ts'
import type { Sample } from '../compare/comparison.ts'

/** What was sent and what came of it; anything that is not in its place strikes a contestant out. */
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
