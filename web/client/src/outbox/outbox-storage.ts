import type { RequestError, RequestErrorCode } from '../connection/request.ts'

/** A message that the server has not confirmed. */
export interface UnsentMessage {
  /** Fixed for good: the server stores a message once, however often it is sent. */
  clientMessageId: string
  /** Only the user who wrote it sends it. Null until it is known who that is. */
  userId: string | null
  /** Where it was written: while there is no user, it is of nobody but this tab's next one. */
  tabId: string
  /** Null until the first session is open. */
  sessionId: string | null
  content: string
  createdAt: string
  /** Set where the server refused it for good: it waits for the user to decide. */
  failure: { code: RequestErrorCode; message: string } | null
}

/** Where unsent messages survive a reload. Writes of one storage take effect in the order of the calls. */
export interface OutboxStorage {
  /** Whatever is there: the reader checks its form. */
  readAll(): Promise<unknown[]>
  put(message: UnsentMessage): Promise<void>
  remove(clientMessageId: string): Promise<void>
}

/** For a process that need not survive itself: tests, a browser that allows no storage. */
export function createMemoryStorage(): OutboxStorage {
  const items = new Map<string, string>()
  return {
    readAll: async () => [...items.values()].map((text): unknown => JSON.parse(text)),
    put: async (message) => void items.set(message.clientMessageId, JSON.stringify(message)),
    remove: async (clientMessageId) => void items.delete(clientMessageId),
  }
}

/** A stored value as an unsent message; undefined for anything else, such as one of another version. */
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
  // The code is only shown and compared, so one that this version does not know does no harm.
  return isText(code) && isText(message) ? { code, message } : null
}
