import type { Failure } from '../connection/request.ts'

/** A message that the server has not confirmed. */
export interface UnsentMessage {
  /** Never changes, so that the server stores the message once, however often it is sent. */
  clientMessageId: string
  /** The author, who alone sends the message. Null until the user is known. */
  userId: string | null
  /** Without an author, the message belongs to the next user of this tab. */
  tabId: string
  /** Null until the first session is open. */
  sessionId: string | null
  content: string
  createdAt: string
  /** Set if the server has finally refused the message. The user decides what to do. */
  failure: Failure | null
}

/**
 * Keeps over a reload what a user has written and the server has not confirmed: unsent messages and
 * the text in the message box. Writes take effect in the order of the calls. A call may reject or
 * never settle, so nothing that a user waits for may depend on it.
 */
export interface OutboxStorage {
  /** Returns the stored values, which the caller must validate. */
  readAll(): Promise<unknown[]>
  put(key: string, value: object): Promise<void>
  remove(key: string): Promise<void>
}

/** Creates a storage in memory, for tests and for browsers that allow no storage. */
export function createMemoryStorage(): OutboxStorage {
  const items = new Map<string, string>()
  return {
    readAll: async () => [...items.values()].map((text): unknown => JSON.parse(text)),
    put: async (key, value) => void items.set(key, JSON.stringify(value)),
    remove: async (key) => void items.delete(key),
  }
}

/** Returns undefined for anything else, for example a value of another version. */
export function parseUnsentMessage(value: unknown): UnsentMessage | undefined {
  const item = (value ?? {}) as Partial<UnsentMessage>
  const { clientMessageId, userId, tabId, sessionId, content, createdAt } = item
  if (!isText(clientMessageId) || !isText(tabId)) return undefined
  if (!isText(content) || !isText(createdAt)) return undefined
  if (!isTextOrNull(userId) || !isTextOrNull(sessionId)) return undefined
  const failure = parseFailure(item.failure)
  return { clientMessageId, userId, tabId, sessionId, content, createdAt, failure }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value)
}

function parseFailure(value: unknown): UnsentMessage['failure'] {
  const { code, message, until } = (value ?? {}) as Partial<Failure>
  // The code is only shown and compared, so an unknown one is harmless.
  if (!isText(code) || !isText(message)) return null
  return { code, message, ...(isText(until) ? { until } : {}) }
}
