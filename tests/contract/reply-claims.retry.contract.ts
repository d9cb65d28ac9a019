import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import {
  answer,
  finishReply,
  modelEntry,
  newId,
  newOutcome,
  replyEntry,
  retryOf,
  startReply,
  startSession,
  times,
  userEntry,
  LEASE_MS,
  useStores,
  type StoreHarness,
} from './store.support.ts'

/** Answers that are asked for again. */
export function describeRetries(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  let sessionId: string
  useStores(open, (opened) => ({ store, second } = opened))

  describe('ReplyClaims.retry', () => {
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('asks the question again under a new reply id, model and epoch', async () => {
      const reply = await answer(store, sessionId, { status: 'failed' })
      const retry = retryOf(sessionId, reply.replyId)
      expect(await store.replies.retry(retry)).toEqual({
        ...reply,
        replyId: retry.replyId,
        modelId: 'other',
        state: 'pending',
        epoch: 2,
        attempts: 0,
        askedAt: retry.askedAt,
      })
      expect(await second.replies.findOpen(sessionId)).toMatchObject({ replyId: retry.replyId })
      const claim = await second.replies.claim(reply, LEASE_MS)
      expect(claim).toMatchObject({ epoch: 3, attempts: 1, stopRequested: false })
      if (claim) await finishReply(second, claim)
      expect(await store.messages.find(sessionId, retry.replyId)).toMatchObject({
        replyTo: reply.messageId,
      })
    })

    it('forgets the stop of the reply before', async () => {
      const reply = await startReply(store, sessionId)
      await store.replies.requestStop(sessionId, reply.replyId)
      await finishReply(store, reply, { status: 'stopped' })
      await store.replies.retry(retryOf(sessionId, reply.replyId))
      const claim = await second.replies.claim(reply, LEASE_MS)
      expect(claim?.stopRequested).toBe(false)
      if (claim) await finishReply(second, claim)
    })

    it('answers one reply id to 50 concurrent callers and to all later ones', async () => {
      const reply = await answer(store, sessionId, { status: 'stopped' })
      const results = await Promise.all(
        times(50, (i) => (i % 2 ? store : second).replies.retry(retryOf(sessionId, reply.replyId))),
      )
      const [first] = results
      if (!first) throw new Error('not retried')
      expect(results).toEqual(results.map(() => first))
      expect(first.epoch).toBe(reply.epoch + 1)

      const claim = await store.replies.claim(first, LEASE_MS)
      if (!claim) throw new Error('not claimed')
      await finishReply(store, claim, { status: 'failed' })
      expect(await second.replies.retry(retryOf(sessionId, reply.replyId))).toMatchObject({
        replyId: first.replyId,
      })
      expect(await second.replies.findOpen(sessionId)).toBeUndefined()

      const next = await second.replies.retry(retryOf(sessionId, first.replyId))
      expect(next?.replyId).not.toBe(first.replyId)
      expect(await store.replies.retry(retryOf(sessionId, reply.replyId))).toMatchObject({
        replyId: first.replyId,
        state: 'done',
      })
      await store.replies.cancel(sessionId, 'all')
    })

    it('fences the attempt before', async () => {
      const reply = await answer(store, sessionId, { status: 'incomplete' })
      await store.replies.retry(retryOf(sessionId, reply.replyId))
      expect(await store.replies.commit(reply, newOutcome())).toBe('lost')
      await store.replies.settle(reply, reply.epoch, 'done')
      expect(await store.replies.findOpen(sessionId)).toMatchObject({ state: 'pending' })
      await store.replies.cancel(sessionId, 'all')
    })

    it('reopens a reply that is in the log but was not settled yet', async () => {
      const reply = await startReply(store, sessionId)
      const outcome = newOutcome({ status: 'failed' })
      await store.replies.commit(reply, outcome)
      expect(await store.replies.retry(retryOf(sessionId, reply.replyId))).toBeUndefined()
      await store.messages.append(replyEntry(reply, outcome))
      expect(await store.replies.retry(retryOf(sessionId, reply.replyId))).toMatchObject({
        state: 'pending',
      })
      await store.replies.settle(reply, reply.epoch, 'done')
      expect(await store.replies.findOpen(sessionId)).toMatchObject({ state: 'pending' })
      await store.replies.cancel(sessionId, 'all')
    })

    it('knows no other message', async () => {
      const reply = await answer(store, sessionId)
      const { message } = await store.messages.append(userEntry(sessionId))
      const elsewhere = await startSession(store)
      for (const id of [newId(), message.id, reply.messageId]) {
        expect(await store.replies.retry(retryOf(sessionId, id))).toBeUndefined()
      }
      const foreign = { ...retryOf(sessionId, reply.replyId), sessionId: elsewhere }
      expect(await store.replies.retry(foreign)).toBeUndefined()
      const stray = modelEntry(sessionId, { replyTo: reply.messageId })
      await store.messages.append(stray)
      expect(await store.replies.retry(retryOf(sessionId, stray.message.id))).toBeUndefined()
      expect(await store.replies.findOpen(sessionId)).toBeUndefined()
    })
  })
}
