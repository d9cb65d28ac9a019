import type { RequestError, RequestErrorCode } from '../connection/request.ts'

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
  failure: { code: RequestErrorCode; message: string } | null
}

/** Keeps unsent messages over a reload. Writes take effect in the order of the calls. */
export interface OutboxStorage {
  /** Returns the stored values, which the caller must validate. */
  readAll(): Promise<unknown[]>
  put(message: UnsentMessage): Promise<void>
  remove(clientMessageId: string): Promise<void>
}

/** Creates a storage in memory, for tests and for browsers that allow no storage. */
export function createMemoryStorage(): OutboxStorage {
  const items = new Map<string, string>()
  return {
    readAll: async () => [...items.values()].map((text): unknown => JSON.parse(text)),
    put: async (message) => void items.set(message.clientMessageId, JSON.stringify(message)),
    remove: async (clientMessageId) => void items.delete(clientMessageId),
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
  const { code, message } = (value ?? {}) as Partial<RequestError>
  // The code is only shown and compared, so an unknown one is harmless.
  return isText(code) && isText(message) ? { code, message } : null
}
