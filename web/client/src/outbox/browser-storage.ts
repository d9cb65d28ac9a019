import { createStore, promisifyRequest, values } from 'idb-keyval'
import { createMemoryStorage, type OutboxStorage } from './outbox-storage.ts'

/**
 * Stores what a user has written in a database of IndexedDB. A browser may have none or refuse it, so this page's
 * part is in memory as well. The functions are async because a missing IndexedDB throws at each use.
 */
export function createBrowserStorage(database: string): OutboxStorage {
  const memory = createMemoryStorage()
  const store = createStore(database, 'messages')
  const readDatabase = async (): Promise<unknown[]> => values(store)
  const change = (act: (objects: IDBObjectStore) => void): Promise<void> =>
    store('readwrite', (objects) => {
      act(objects)
      // Otherwise the browser drops what is not finished when the page ends right after it.
      objects.transaction.commit()
      return promisifyRequest(objects.transaction)
    })
  return {
    readAll: () => readDatabase().catch(() => memory.readAll()),
    async put(key, value) {
      await memory.put(key, value)
      await change((objects) => objects.put(value, key))
    },
    async remove(key) {
      await memory.remove(key)
      await change((objects) => objects.delete(key))
    },
  }
}
