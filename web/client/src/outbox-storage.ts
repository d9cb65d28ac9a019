import type { RequestErrorCode } from './request-error.ts'

/** A message that the server has not confirmed. */
export interface UnsentMessage {
  /** Fixed for good: the server stores a message once, however often it is sent. */
  clientMessageId: string
  /** Only the one who wrote it sends it. */
  userId: string
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
  if (typeof value !== 'object' || value === null) return undefined
  const { clientMessageId, userId, sessionId, content, createdAt, failure } = value as Record<
    keyof UnsentMessage,
    unknown
  >
  if (typeof clientMessageId !== 'string' || typeof userId !== 'string') return undefined
  if (typeof content !== 'string' || typeof createdAt !== 'string') return undefined
  if (sessionId !== null && typeof sessionId !== 'string') return undefined
  const base = { clientMessageId, userId, sessionId, content, createdAt }
  return { ...base, failure: parseFailure(failure) }
}

function parseFailure(value: unknown): UnsentMessage['failure'] {
  if (typeof value !== 'object' || value === null) return null
  const { code, message } = value as Record<string, unknown>
  if (typeof code !== 'string' || typeof message !== 'string') return null
  // The code is only shown and compared, so one that this version does not know does no harm.
  return { code: code as RequestErrorCode, message }
}
