import { AsyncLocalStorage } from 'node:async_hooks'

interface RequestContext {
  requestId: string
  sessionId?: string
}

const storage = new AsyncLocalStorage<RequestContext>()

/**
 * Runs `run`, and everything that it awaits, under one request id: from a socket event or an HTTP
 * request through its job to the provider call. Every log line inside carries the id.
 */
export function withRequestId<T>(requestId: string, run: () => T): T {
  return storage.run({ requestId }, run)
}

export function currentRequestId(): string | undefined {
  return storage.getStore()?.requestId
}

/** Adds the session to the log lines of the current request; nothing happens outside of one. */
export function nameSession(sessionId: string): void {
  const context = storage.getStore()
  if (context) context.sessionId = sessionId
}

/** What each log line of the current request carries. */
export function requestFields(): { requestId?: string; sessionId?: string } {
  return { ...storage.getStore() }
}
