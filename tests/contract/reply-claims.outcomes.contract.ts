import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import {
  answer,
  askQuestion,
  newId,
  newOutcome,
  startReply,
  startSession,
  times,
  LEASE_MS,
  useStores,
  type StoreHarness,
} from './store.support.ts'

/** Answers: one for each question, stopped or cancelled. */
export function describeOutcomes(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  let sessionId: string
  useStores(open, (opened) => ({ store, second } = opened))

  describe('ReplyClaims.commit', () => {
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('fixes one outcome of 50 concurrent attempts, and gives it to whoever asks', async () => {
      const claim = await startReply(store, sessionId)
      const results = await Promise.all(
        times(50, (i) =>
          (i % 2 ? store : second).replies.commit(
            { ...claim, epoch: i === 7 ? 1 : 2 },
            newOutcome({ content: `text ${i}` }),
          ),
        ),
      )
      expect(results.filter((result) => result === 'committed')).toHaveLength(1)
      const committed = await second.replies.findCommitted(claim)
      expect(committed).toMatchObject({
        reply: { ...claim, state: 'committed' },
        outcome: { content: 'text 7', status: 'complete', usage: { totalTokens: 8 } },
      })
    })

    it('keeps every field of an outcome', async () => {
      const claim = await startReply(store, sessionId)
      const error = { code: 'LLM_TRUNCATED', message: 'Cut.', retryable: true } as const
      const outcome = newOutcome({ status: 'incomplete', error, content: 'Größe 👍' })
      await store.replies.commit(claim, outcome)
      expect((await second.replies.findCommitted(claim))?.outcome).toEqual(outcome)
    })

    it('answers the same when the same commit is made again, and keeps the first text', async () => {
      const claim = await startReply(store, sessionId)
      expect(await store.replies.commit(claim, newOutcome({ content: 'first' }))).toBe('committed')
      expect(await store.replies.commit(claim, newOutcome({ content: 'again' }))).toBe('committed')
      expect((await store.replies.findCommitted(claim))?.outcome.content).toBe('first')
      await store.replies.settle(claim, claim.epoch, 'done')
      expect(await store.replies.commit(claim, newOutcome())).toBe('committed')
      expect(await store.replies.findCommitted(claim)).toBeUndefined()
    })

    it('refuses what could not enter the log', async () => {
      const claim = await startReply(store, sessionId)
      await expect(
        store.replies.commit(claim, newOutcome({ content: '\ud83d' })),
      ).rejects.toMatchObject({ code: 'INVALID_FORMAT' })
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('held')
    })

    it('has no outcome before and none under another session', async () => {
      const claim = await startReply(store, sessionId)
      expect(await store.replies.findCommitted(claim)).toBeUndefined()
      await store.replies.commit(claim, newOutcome())
      const elsewhere = { ...claim, sessionId: await startSession(store) }
      expect(await store.replies.findCommitted(elsewhere)).toBeUndefined()
      expect(await store.replies.commit(elsewhere, newOutcome())).toBe('lost')
    })
  })

  describe('ReplyClaims.interrupt', () => {
    const stopped = newOutcome({ status: 'stopped', content: 'Half' })
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('fixes what was written so far, and refuses the writer from then on', async () => {
      const claim = await startReply(store, sessionId)
      const cut = await second.replies.interrupt(claim, stopped)
      expect(cut).toMatchObject({ reply: { state: 'committed', epoch: 2 }, outcome: stopped })
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('lost')
      expect(await store.replies.raiseEpoch(claim, LEASE_MS)).toBeUndefined()
      expect(await store.replies.commit(claim, newOutcome())).toBe('lost')
      expect(await store.replies.findCommitted(claim)).toEqual(cut)
      expect(await second.replies.interrupt(claim, stopped)).toBeUndefined()
      await store.replies.settle(claim, 2, 'done')
      expect(await store.replies.findOpen(sessionId)).toBeUndefined()
    })

    it('leaves a reply alone that nobody writes, or another attempt', async () => {
      const { question } = await askQuestion(store, sessionId)
      const [waiting] = await Promise.all([store.replies.findOpen(sessionId)])
      if (!waiting) throw new Error('no question waits')
      expect(await store.replies.interrupt(waiting, stopped)).toBeUndefined()
      const claim = await store.replies.claim(question, LEASE_MS)
      if (!claim) throw new Error('not claimed')
      expect(await store.replies.interrupt({ ...claim, epoch: 2 }, stopped)).toBeUndefined()
      expect(
        await store.replies.interrupt({ ...claim, sessionId: await startSession(store) }, stopped),
      ).toBeUndefined()
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('held')
    })

    it('either comes before the commit or after it, in any race', async () => {
      for (let round = 0; round < 20; round++) {
        const claim = await startReply(store, sessionId)
        const [cut, committed] = await Promise.all([
          second.replies.interrupt(claim, stopped),
          store.replies.commit(claim, newOutcome({ content: 'Whole' })),
        ])
        expect(committed).toBe(cut ? 'lost' : 'committed')
        const outcome = (await store.replies.findCommitted(claim))?.outcome
        expect(outcome?.content).toBe(cut ? 'Half' : 'Whole')
      }
    })
  })

  describe('ReplyClaims.requestStop', () => {
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('comes before a complete outcome and lets a stopped one through', async () => {
      const claim = await startReply(store, sessionId)
      expect(await second.replies.requestStop(sessionId, claim.replyId)).toBe(true)
      expect(await second.replies.requestStop(sessionId, claim.replyId)).toBe(true)
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('stop-requested')
      expect(await store.replies.commit(claim, newOutcome())).toBe('stop-requested')
      const stopped = newOutcome({ status: 'stopped', content: 'Half' })
      expect(await store.replies.commit(claim, stopped)).toBe('committed')
      expect((await store.replies.findCommitted(claim))?.outcome).toEqual(stopped)
    })

    it('reaches a question before anybody has claimed it', async () => {
      const { question, replyId } = await askQuestion(store, sessionId)
      expect(await store.replies.requestStop(sessionId, replyId)).toBe(true)
      expect(await second.replies.claim(question, LEASE_MS)).toMatchObject({ stopRequested: true })
    })

    it('comes too late after the commit, and knows no foreign reply', async () => {
      const claim = await startReply(store, sessionId)
      const elsewhere = await startSession(store)
      expect(await store.replies.requestStop(elsewhere, claim.replyId)).toBe(false)
      expect(await store.replies.requestStop(sessionId, newId())).toBe(false)
      await store.replies.commit(claim, newOutcome())
      expect(await store.replies.requestStop(sessionId, claim.replyId)).toBe(false)
      await store.replies.settle(claim, claim.epoch, 'done')
      expect(await store.replies.requestStop(sessionId, claim.replyId)).toBe(false)
    })

    it('either stops a reply or loses to its commit, in any race', async () => {
      for (let round = 0; round < 20; round++) {
        const claim = await startReply(store, sessionId)
        const [stopped, committed] = await Promise.all([
          second.replies.requestStop(sessionId, claim.replyId),
          store.replies.commit(claim, newOutcome()),
        ])
        expect(committed).toBe(stopped ? 'stop-requested' : 'committed')
      }
    })
  })

  describe('ReplyClaims.settle and cancel', () => {
    it('settles only what is committed, at that epoch', async () => {
      sessionId = await startSession(store)
      const claim = await startReply(store, sessionId)
      await store.replies.settle(claim, claim.epoch, 'done')
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('held')
      await store.replies.commit(claim, newOutcome())
      for (const epoch of [claim.epoch - 1, claim.epoch + 1]) {
        await store.replies.settle(claim, epoch, 'done')
        expect(await store.replies.findCommitted(claim)).toBeDefined()
      }
      await store.replies.settle(claim, claim.epoch, 'cancelled')
      await store.replies.settle(claim, claim.epoch, 'done')
      expect(await store.replies.findOpen(sessionId)).toBeUndefined()
    })

    it('cancels every open question of one session and says which', async () => {
      sessionId = await startSession(store)
      const done = await answer(store, sessionId)
      const running = await startReply(store, sessionId)
      const committed = await startReply(store, sessionId)
      await store.replies.commit(committed, newOutcome())
      const { question, replyId } = await askQuestion(store, sessionId)
      const elsewhere = await startReply(store, await startSession(store))
      const cancelled = await Promise.all(
        times(10, (i) => (i % 2 ? store : second).replies.cancel(sessionId, 'all')),
      )
      const epochs = new Map(cancelled.flat().map((each) => [each.replyId, each.epoch]))
      expect(cancelled.flat()).toHaveLength(3)
      expect(epochs).toEqual(
        new Map([
          [running.replyId, running.epoch],
          [committed.replyId, committed.epoch],
          [replyId, 0],
        ]),
      )
      expect(await store.replies.findOpen(sessionId)).toBeUndefined()
      expect(await store.replies.renew(running, LEASE_MS)).toBe('lost')
      expect(await store.replies.commit(running, newOutcome())).toBe('lost')
      expect(await store.replies.findCommitted(committed)).toBeUndefined()
      expect(await store.replies.claim(question, LEASE_MS)).toBeUndefined()
      expect(await store.replies.cancel(sessionId, 'all')).toEqual([])
      expect(await store.replies.renew(elsewhere, LEASE_MS)).toBe('held')
      expect(await store.messages.find(sessionId, done.replyId)).toBeDefined()
    })
  })

  describe('ReplyClaims.cancel up to an entry', () => {
    it('leaves alone what was asked later', async () => {
      sessionId = await startSession(store)
      const running = await startReply(store, sessionId)
      const lastSeq = (await store.sessions.find(sessionId))?.lastSeq ?? 0
      const later = await askQuestion(store, sessionId)
      const cancelled = await second.replies.cancel(sessionId, lastSeq)
      expect(cancelled).toEqual([{ replyId: running.replyId, epoch: running.epoch }])
      expect(await store.replies.findOpen(sessionId)).toMatchObject({ replyId: later.replyId })
      expect(await second.replies.cancel(sessionId, lastSeq)).toEqual([])
      expect(await store.replies.claim(later.question, LEASE_MS)).toBeDefined()
    })
  })
}
