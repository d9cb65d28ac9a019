import type { AdapterHooks, SchemaHooks } from '@chatbox/core'
import type { Backend, ClusterOptions } from './backend.ts'
import { closeInReverse } from './common/close-in-reverse.ts'
import type { Cipher } from './sealed/key-ring.ts'
import { deriveKey } from './sealed/derive-key.ts'
import { createPseudonym } from './sealed/pseudonym.ts'
import { openMongoStore } from './mongo/open-mongo-store.ts'
import { untilAvailable } from './mongo/client/client.ts'
import { openRedis } from './redis/open-redis.ts'
import { createReporter } from './common/report.ts'

/** Opens the back end of a cluster. Waits for MongoDB and Redis independently. */
export async function openCluster(
  options: ClusterOptions,
  cipher: Cipher,
  hooks: AdapterHooks & SchemaHooks,
): Promise<Backend> {
  const { redisUrl, mongoUri, mongoDatabase, keyPrefix, stallRules } = options
  const giveUp = new AbortController()
  const { signal } = giveUp
  const pseudonym = createPseudonym(options.encryptionKeys)
  const [redis, store] = await openBoth(
    openRedis({ redisUrl, keyPrefix, stallRules, signal }, { cipher, pseudonym }, hooks),
    untilAvailable(
      () => openMongoStore({ uri: mongoUri, database: mongoDatabase, cipher, hooks, signal }),
      { signal, report: createReporter(hooks, 'mongo') },
    ),
    () => giveUp.abort(),
  )
  const { sessions, messages, replies, conversationRefs, alerts, inbox } = store
  const { desks, revocations, signInTickets, audit } = store
  const { queue, queueInspectors, bus, limiter, presence, ledger, socketAdapter } = redis
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
    queueInspectors,
    bus,
    limiter,
    presence,
    ledger,
    pseudonym,
    operatorTokenKey: deriveKey(options.encryptionKeys, 'operator token key'),
    socketAdapter,
    checks: {
      store: () => store.ping(),
      redis: () => redis.ping(),
      queue: () => queue.ping(),
    },
    close: closeInReverse(hooks, [store, redis]),
  }
}

interface Closable {
  close(): Promise<void>
}

/** Returns both, or throws the first failure. Then the other one stops waiting and is closed. */
async function openBoth<A extends Closable, B extends Closable>(
  first: Promise<A>,
  second: Promise<B>,
  giveUp: () => void,
): Promise<[A, B]> {
  try {
    return await Promise.all([first, second])
  } catch (error) {
    giveUp()
    for (const opening of [first, second]) {
      // Report the failure at once. The other one may still open, but nobody will use it.
      opening.then((opened) => opened.close()).catch(() => undefined)
    }
    throw error
  }
}
