import { createMemoryStorage, type OutboxStorage } from '@chatbox/client'
import { createStore, del, set, values } from 'idb-keyval'

/** Unsent messages in IndexedDB; in memory where the browser allows no storage. */
export function createOutboxDatabase(): OutboxStorage {
  if (!('indexedDB' in globalThis)) return createMemoryStorage()
  const store = createStore('chatbox-outbox', 'messages')
  return {
    readAll: () => values<unknown>(store),
    put: (message) => set(message.clientMessageId, message, store),
    remove: (clientMessageId) => del(clientMessageId, store),
  }
}
