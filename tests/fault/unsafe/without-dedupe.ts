import type { Backend } from '@chatbox/adapters'
import { randomUUID } from 'node:crypto'
import { override } from './override.ts'

/**
 * A message that is sent again is a new one: it is stored under a fresh id and `clientMessageId`. The
 * sender is answered with its own, so that it is the log that is wrong and not the acknowledgement.
 */
export function withoutDedupe(backend: Backend): Backend {
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
