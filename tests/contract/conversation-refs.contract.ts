import { describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import { startSession, times, useStores, type StoreHarness } from './store.support.ts'

/** Every promise of `ConversationRefs`. */
export function describeConversationRefs(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  describe('ConversationRefs', () => {
    it('keeps one for each session and model', async () => {
      const [sessionId, other] = [await startSession(store), await startSession(store)]
      expect(await store.conversationRefs.read(sessionId, 'dify')).toBeUndefined()
      await store.conversationRefs.save(sessionId, 'dify', 'first')
      await Promise.all(times(10, () => second.conversationRefs.save(sessionId, 'dify', 'second')))
      await store.conversationRefs.save(sessionId, 'dify-2', 'third')
      expect(await second.conversationRefs.read(sessionId, 'dify')).toBe('second')
      expect(await second.conversationRefs.read(sessionId, 'dify-2')).toBe('third')
      expect(await second.conversationRefs.read(other, 'dify')).toBeUndefined()
    })
  })
}
