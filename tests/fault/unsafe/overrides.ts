import { randomUUID } from 'node:crypto'
import type { Backend, BackendOptions } from '@chatbox/adapters'
import type { GatewayOverrides } from '../../../services/gateway/src/compose.ts'
import type { WorkerOverrides } from '../../../services/worker/src/compose.ts'
import { override } from '../../environment/override.ts'
import { SAFETIES, type Safety } from '../history.ts'
import { withoutDurableAck } from './without-durable-ack.ts'
import { NEVER_EXPIRING_MS, withoutFence } from './without-fence.ts'

/** The changes to each process of the product. A process that is not named is unchanged. */
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
  // The queue is only a hint: while the reconciler runs, its settings decide nothing.
  queue: { worker: { wrap: withoutReconciler, toOptions: withStockQueue } },
}

/** The safety that a test's process leaves out. */
export function readSafety(argv: readonly string[]): Safety {
  const wanted = argv.find((argument) => argument.startsWith('--without='))?.split('=')[1]
  const safety = SAFETIES.find((name) => name === wanted)
  if (!safety) throw new Error(`--without= takes one of ${SAFETIES.join(', ')}`)
  return safety
}

/**
 * Stores a resent message as a new one, with a fresh id and `clientMessageId`. The sender gets its
 * own ids back, so that the log is wrong and not the acknowledgement.
 */
function withoutDedupe(backend: Backend): Backend {
  const { messages } = backend
  return {
    ...backend,
    messages: override(messages, {
      async append(entry) {
        const { clientMessageId } = entry.message
        if (clientMessageId === undefined) return messages.append(entry)
        const fresh = { id: randomUUID(), clientMessageId: randomUUID() }
        const message = { ...entry.message, ...fresh }
        const appended = await messages.append({ ...entry, message })
        return { ...appended, message: { ...appended.message, clientMessageId } }
      },
    }),
  }
}

/**
 * Disables catching up: pages after an entry are empty, and heads report nothing new. A client gets
 * only the page of its first opening and live events.
 */
function withoutResync(backend: Backend): Backend {
  const { sessions, messages } = backend
  return {
    ...backend,
    messages: override(messages, {
      read: async (sessionId, range) =>
        range.afterSeq ? { messages: [], hasMore: false } : messages.read(sessionId, range),
      async open(sessionId, range) {
        const opened = await messages.open(sessionId, range)
        if (!opened || !range.afterSeq) return opened
        const session = { ...opened.session, lastSeq: 0 }
        return { ...opened, session, page: { messages: [], hasMore: false } }
      },
    }),
    sessions: override(sessions, {
      async find(sessionId) {
        const session = await sessions.find(sessionId)
        return session && { ...session, lastSeq: 0 }
      },
    }),
  }
}

/** Disables the search for lost work: a question has only its job. */
function withoutReconciler(backend: Backend): Backend {
  return {
    ...backend,
    replies: override(backend.replies, {
      takeUnfinished: async () => [],
      takeWaiting: async () => [],
    }),
  }
}

/** BullMQ's defaults. */
const STOCK_RULES = { lockMs: 30_000, stalledEveryMs: 30_000, maxStalledCount: 1 }

function withStockQueue(options: BackendOptions): BackendOptions {
  return options.kind === 'cluster' ? { ...options, stallRules: STOCK_RULES } : options
}
