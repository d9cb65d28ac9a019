import type { Backend } from '@chatbox/adapters'
import { override } from './override.ts'

/**
 * Nobody catches up: what comes after an entry is never read, and the heads say that nothing is
 * there. What a client gets is the page of its first opening and what it hears live.
 */
export function withoutResync(backend: Backend): Backend {
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
