import type { AdapterHooks } from '@chatbox/core'
import type { Backend, BackendOptions, EmbeddedOptions } from './backend.ts'
import { closeInReverse } from './common/close-in-reverse.ts'
import { deriveKey } from './sealed/derive-key.ts'
import { createKeyRing, type Cipher } from './sealed/key-ring.ts'
import { createPseudonym } from './sealed/pseudonym.ts'
import { createMemoryEventBus } from './memory/memory-event-bus.ts'
import { MemoryJobQueue } from './memory/memory-job-queue.ts'
import { MemoryQueueInspector } from './memory/memory-queue-inspector.ts'
import { MemoryPresence } from './memory/memory-presence.ts'
import { createMemoryRateLimiter } from './memory/memory-rate-limiter.ts'
import { openSqliteStore } from './sqlite/open-sqlite-store.ts'

/**
 * Opens the store and all shared parts. Throws if the data folder cannot be used or an address is
 * invalid. Waits while Redis or MongoDB is down, and reports the reason to `hooks.onError` every 10
 * s.
 */
export async function openBackend(options: BackendOptions, hooks: AdapterHooks): Promise<Backend> {
  const cipher = createKeyRing(options.encryptionKeys)
  if (options.kind === 'embedded') return openEmbedded(options, cipher, hooks)
  // Loaded on demand, because the drivers of Redis and MongoDB take 40 MB and 0.3 s.
  const { openCluster } = await import('./open-cluster.ts')
  return openCluster(options, cipher, hooks)
}

async function openEmbedded(
  options: EmbeddedOptions,
  cipher: Cipher,
  hooks: AdapterHooks,
): Promise<Backend> {
  const store = await openSqliteStore({ dataDir: options.dataDir, cipher, hooks })
  const queue = new MemoryJobQueue(hooks)
  const bus = createMemoryEventBus(hooks)
  const presence = new MemoryPresence()
  const limiter = createMemoryRateLimiter()
  const { sessions, messages, replies, conversationRefs, alerts, inbox } = store
  const { desks, revocations, signInTickets, audit, ledger } = store
  return {
    sessions,
    messages,
    replies,
    conversationRefs,
    inbox,
    alerts,
    desks,
    revocations,
    signInTickets,
    audit,
    queue,
    queueInspectors: [new MemoryQueueInspector(queue)],
    bus,
    limiter,
    presence,
    ledger,
    pseudonym: createPseudonym(options.encryptionKeys),
    operatorTokenKey: deriveKey(options.encryptionKeys, 'operator token key'),
    checks: { store: () => store.ping(), queue: () => queue.ping() },
    close: closeInReverse(hooks, [store, bus, queue]),
  }
}
