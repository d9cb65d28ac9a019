import type { GatewayOverrides } from '../../../services/gateway/src/compose.ts'
import type { WorkerOverrides } from '../../../services/worker/src/compose.ts'
import { SAFETIES, type Safety } from '../history.ts'
import { withStockQueue } from './with-stock-queue.ts'
import { withoutDedupe } from './without-dedupe.ts'
import { withoutDurableAck } from './without-durable-ack.ts'
import { NEVER_EXPIRING_MS, withoutFence } from './without-fence.ts'
import { withoutReconciler } from './without-reconciler.ts'
import { withoutResync } from './without-resync.ts'

/** What each process of the product does otherwise; the one that is not named is as it always is. */
interface Unsafe {
  gateway?: GatewayOverrides
  worker?: WorkerOverrides
}

export const UNSAFE: Record<Safety, Unsafe> = {
  dedupe: { gateway: { wrap: withoutDedupe } },
  resync: { gateway: { wrap: withoutResync } },
  'durable-ack': { gateway: { wrap: withoutDurableAck } },
  fence: { worker: { wrap: withoutFence, timing: { leaseMs: NEVER_EXPIRING_MS } } },
  reconciler: { worker: { wrap: withoutReconciler } },
  // The queue is only a hint: while the reconciler runs, its settings decide about nothing.
  queue: { worker: { wrap: withoutReconciler, toOptions: withStockQueue } },
}

/** The safety that a test's process goes without. */
export function readSafety(argv: readonly string[]): Safety {
  const wanted = argv.find((argument) => argument.startsWith('--without='))?.split('=')[1]
  const safety = SAFETIES.find((name) => name === wanted)
  if (!safety) throw new Error(`--without= takes one of ${SAFETIES.join(', ')}`)
  return safety
}
