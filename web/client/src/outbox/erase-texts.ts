import { parseUnsentMessage, type OutboxStorage } from './outbox-storage.ts'
import { parseStoredText, toKey } from './stored-text.ts'

/**
 * Removes everything that a user has written and not sent, in any tab, from the storage. Never
 * rejects: a storage that fails keeps nothing.
 */
export async function eraseTexts(storage: OutboxStorage, userId: string): Promise<void> {
  const stored = await storage.readAll().catch(() => [])
  const keys = stored.flatMap((value) => {
    const message = parseUnsentMessage(value)
    if (message?.userId === userId) return [message.clientMessageId]
    const text = parseStoredText(value)
    return text?.userId === userId ? [toKey(text)] : []
  })
  await Promise.all(keys.map((key) => storage.remove(key).catch(() => undefined)))
}
