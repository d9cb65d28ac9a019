import type { Backend } from '@chatbox/adapters'
import { randomUUID } from 'node:crypto'
import { override } from './override.ts'

/**
 * A message that is sent again is a new one: it is stored under a fresh id and `clientMessageId`. The
 * sender is answered with its own, so that it is the log that is wrong and not the acknowledgement.
 */
export function withoutDedupe(backend: Backend): Backend {
  const { store } = backend
  return {
    ...backend,
    store: override(store, {
      async append(entry) {
        const { clientMessageId } = entry.message
        if (clientMessageId === undefined) return store.append(entry)
        const fresh = { id: randomUUID(), clientMessageId: randomUUID() }
        const message = { ...entry.message, ...fresh }
        const appended = await store.append({ ...entry, message })
        return { ...appended, message: { ...appended.message, clientMessageId } }
      },
    }),
  }
}
