import { describe, expect, it } from '@jest/globals'
import { eraseTexts } from './erase-texts.ts'
import { createMemoryStorage, type OutboxStorage } from './outbox-storage.ts'
import { toKey } from './stored-text.ts'

const TIME = '2026-01-01T00:00:00.000Z'
const OWNERS = [
  { userId: 'ann', tabId: 'one' },
  { userId: 'ann', tabId: 'two' },
  { userId: 'bob', tabId: 'one' },
  { userId: null, tabId: 'one' },
]

async function fill(storage: OutboxStorage): Promise<void> {
  for (const [index, owner] of OWNERS.entries()) {
    const clientMessageId = `message-${index}`
    const message = { sessionId: null, content: 'text', createdAt: TIME, failure: null }
    await storage.put(clientMessageId, { clientMessageId, ...owner, ...message })
    await storage.put(toKey(owner), { kind: 'typed', ...owner, text: 'text', typedAt: TIME })
  }
  await storage.put('of another version', { userId: 'ann' })
}

describe('eraseTexts', () => {
  it('removes what one user has written in all tabs, and nothing else', async () => {
    const storage = createMemoryStorage()
    await fill(storage)
    await eraseTexts(storage, 'ann')
    const left = (await storage.readAll()) as { userId: string | null }[]
    expect(left.map(({ userId }) => userId)).toEqual(['bob', 'bob', null, null, 'ann'])
    await eraseTexts(storage, 'nobody')
    expect(await storage.readAll()).toEqual(left)
  })

  it('goes on where a value cannot be removed, and ends where none can be read', async () => {
    const storage = createMemoryStorage()
    await fill(storage)
    const refused = 'message-0'
    const remove = (key: string) =>
      key === refused ? Promise.reject(new Error('refused')) : storage.remove(key)
    await eraseTexts({ ...storage, remove }, 'ann')
    const left = (await storage.readAll()) as { userId: string; clientMessageId?: string }[]
    const ofAnn = left.filter(({ userId }) => userId === 'ann')
    expect(ofAnn.map(({ clientMessageId }) => clientMessageId)).toEqual([refused, undefined])
    const readAll = () => Promise.reject(new Error('no storage'))
    await expect(eraseTexts({ ...storage, readAll }, 'ann')).resolves.toBeUndefined()
  })
})
