import type { Backend } from '@chatbox/adapters'
import { override } from './override.ts'

/**
 * Nobody catches up: what comes after an entry is never read, and the heads say that nothing is
 * there. What a client gets is the page of its first opening and what it hears live.
 */
export function withoutResync(backend: Backend): Backend {
  const { store } = backend
  return {
    ...backend,
    store: override(store, {
      readMessages: async (sessionId, range) =>
        range.afterSeq ? { messages: [], hasMore: false } : store.readMessages(sessionId, range),
      async openLog(sessionId, range) {
        const opened = await store.openLog(sessionId, range)
        if (!opened || !range.afterSeq) return opened
        const session = { ...opened.session, lastSeq: 0 }
        return { ...opened, session, page: { messages: [], hasMore: false } }
      },
      async findSession(sessionId) {
        const session = await store.findSession(sessionId)
        return session && { ...session, lastSeq: 0 }
      },
    }),
  }
}
