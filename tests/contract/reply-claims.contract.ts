import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import type { ReplyTask } from '@chatbox/core'
import { describeOutcomes } from './reply-claims.outcomes.contract.ts'
import { describeRetries } from './reply-claims.retry.contract.ts'
import { describeSweeps } from './reply-claims.sweeps.contract.ts'
import {
  answer,
  askQuestion,
  eventually,
  finishReply,
  newId,
  newOutcome,
  questionEntry,
  retryOf,
  startReply,
  startSession,
  times,
  useWrongClock,
  userEntry,
  LEASE_MS,
  endOfLease,
  useStores,
  type StoreHarness,
} from './store.support.ts'

/** Every promise of `ReplyClaims`: here who may answer a question, and for how long. */
export function describeReplyClaims(open: () => Promise<StoreHarness>): void {
  describeOutcomes(open)
  describeRetries(open)
  describeSweeps(open)

  let harness: StoreHarness
  let store: Store
  let second: Store
  let sessionId: string
  useStores(open, (opened) => ({ harness, store, second } = opened))
  afterEach(() => {
    jest.useRealTimers()
  })

  describe('ReplyClaims.findOpen', () => {
    it('answers the question as it was asked', async () => {
      sessionId = await startSession(store)
      await store.messages.append(userEntry(sessionId))
      expect(await store.replies.findOpen(sessionId)).toBeUndefined()
      const { question, replyId, message } = await askQuestion(store, sessionId)
      expect(await second.replies.findOpen(sessionId)).toEqual({
        ...question,
        questionSeq: message.seq,
        replyId,
        modelId: 'demo',
        state: 'pending',
        epoch: 0,
        attempts: 0,
        stopRequested: false,
        askedAt: message.createdAt,
      })
    })

    it.each([{ user: 'U', address: 'A' }, { address: 'A' }, { user: 'U' }])(
      'answers who pays for it: %j, from the question to the answer',
      async (payer) => {
        sessionId = await startSession(store)
        const { message } = await store.messages.append({ ...questionEntry(sessionId), payer })
        expect((await second.replies.findOpen(sessionId))?.payer).toEqual(payer)
        const key = { sessionId, messageId: message.id }
        expect((await second.replies.claim(key, LEASE_MS))?.payer).toEqual(payer)
      },
    )

    it('answers who pays for a question that is asked again: who asked last', async () => {
      sessionId = await startSession(store)
      const { replyId } = await answer(store, sessionId, { status: 'failed' })
      await store.replies.retry({ ...retryOf(sessionId, replyId), payer: { user: 'later' } })
      const again = await second.replies.findOpen(sessionId)
      expect(again?.payer).toEqual({ user: 'later' })
      if (!again) throw new Error('not asked again')
      const claim = await store.replies.claim(again, LEASE_MS)
      if (!claim) throw new Error('not claimed')
      await finishReply(store, claim, { status: 'failed' })
      await store.replies.retry(retryOf(sessionId, claim.replyId))
      expect((await second.replies.findOpen(sessionId))?.payer).toBeUndefined()
    })

    it('knows the lane of a question, also once it is claimed', async () => {
      sessionId = await startSession(store)
      const asked = { ...userEntry(sessionId), replyId: newId(), lane: 'lane-1' }
      const { message } = await store.messages.append(asked)
      expect((await second.replies.findOpen(sessionId))?.lane).toBe('lane-1')
      const question = { sessionId, messageId: message.id }
      expect((await second.replies.claim(question, LEASE_MS))?.lane).toBe('lane-1')
    })

    it('knows the lane of a question that is asked again: of who asked last', async () => {
      sessionId = await startSession(store)
      let { replyId } = await answer(store, sessionId, { status: 'failed' })
      for (const lane of ['lane-1', 'lane-2', undefined, 'lane-3']) {
        await store.replies.retry({ ...retryOf(sessionId, replyId), lane })
        const again = await second.replies.findOpen(sessionId)
        expect(again?.lane).toBe(lane)
        const claim = again && (await store.replies.claim(again, LEASE_MS))
        if (!claim) throw new Error('not claimed')
        await finishReply(store, claim, { status: 'failed' })
        replyId = claim.replyId
      }
    })

    it('answers the oldest one until it is settled', async () => {
      sessionId = await startSession(store)
      const [first, next] = [
        await askQuestion(store, sessionId),
        await askQuestion(store, sessionId),
      ]
      const open = async () => (await second.replies.findOpen(sessionId))?.messageId
      expect(await open()).toBe(first.question.messageId)
      const claim = await store.replies.claim(first.question, LEASE_MS)
      if (!claim) throw new Error('not claimed')
      expect(await open()).toBe(first.question.messageId)
      await store.replies.commit(claim, newOutcome())
      expect(await second.replies.findOpen(sessionId)).toMatchObject({
        ...first.question,
        state: 'committed',
      })
      await store.replies.settle(claim, claim.epoch, 'done')
      expect(await open()).toBe(next.question.messageId)
    })

    it('keeps to the one that is being answered while an older one is asked again', async () => {
      sessionId = await startSession(store)
      const older = await answer(store, sessionId, { status: 'failed' })
      const newer = await startReply(store, sessionId)
      const again = await store.replies.retry(retryOf(sessionId, older.replyId))
      const open = async () => (await second.replies.findOpen(sessionId))?.replyId
      expect(await open()).toBe(newer.replyId)
      await store.replies.commit(newer, newOutcome())
      expect(await open()).toBe(newer.replyId)
      await store.replies.settle(newer, newer.epoch, 'done')
      expect(await open()).toBe(again?.replyId)
    })
  })

  describe('ReplyClaims.claim', () => {
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('gives a question to one of 200 concurrent callers', async () => {
      const { question } = await askQuestion(store, sessionId)
      const claims = await Promise.all(
        times(200, (i) => (i % 2 ? store : second).replies.claim(question, LEASE_MS)),
      )
      const won = claims.filter((claim) => claim !== undefined)
      expect(won).toHaveLength(1)
      expect(won[0]).toMatchObject({ ...question, state: 'running', epoch: 1 })
    })

    it('gives nothing for an unknown question, a plain message or another session', async () => {
      const { question } = await askQuestion(store, sessionId)
      const { message } = await store.messages.append(userEntry(sessionId))
      const elsewhere = await startSession(store)
      for (const key of [
        { sessionId, messageId: newId() },
        { sessionId, messageId: message.id },
        { ...question, sessionId: elsewhere },
      ]) {
        expect(await store.replies.claim(key, LEASE_MS)).toBeUndefined()
      }
    })

    it('gives nothing where the answer is committed, done or cancelled', async () => {
      const committed = await startReply(store, sessionId)
      await store.replies.commit(committed, newOutcome())
      const done = await answer(store, sessionId)
      for (const reply of [committed, done]) {
        expect(await second.replies.claim(reply, LEASE_MS)).toBeUndefined()
      }
      const { question } = await askQuestion(store, sessionId)
      await store.replies.cancel(sessionId, 'all')
      expect(await second.replies.claim(question, LEASE_MS)).toBeUndefined()
    })

    it('gives it again under a higher epoch when the lease has run out', async () => {
      const { question } = await askQuestion(store, sessionId)
      const first = await store.replies.claim(question, 1)
      const next = await eventually(
        () => second.replies.claim(question, LEASE_MS),
        (claim) => claim !== undefined,
      )
      expect([first?.epoch, next?.epoch]).toEqual([1, 2])
      expect(await second.replies.claim(question, LEASE_MS)).toBeUndefined()
    })

    it.each([-30_000, 30_000])(
      'judges leases by the store’s clock, not by one that is %d ms off',
      async (offsetMs) => {
        const { question } = await askQuestion(store, sessionId)
        useWrongClock(offsetMs)
        const third = await harness.openSecond()
        try {
          const claim = await third.replies.claim(question, 10_000)
          expect(claim).toBeDefined()
          expect(await third.replies.claim(question, 10_000)).toBeUndefined()
          jest.useRealTimers()
          // A lease of 10 s neither looks ended to others already, nor will it for 30 s more.
          expect(await store.replies.claim(question, 10_000)).toBeUndefined()
          useWrongClock(offsetMs)
          if (claim) expect(await third.replies.renew(claim, 200)).toBe('held')
          jest.useRealTimers()
          await eventually(
            () => store.replies.claim(question, 10_000),
            (taken) => taken !== undefined,
          )
          useWrongClock(offsetMs)
          expect(await third.replies.claim(question, 10_000)).toBeUndefined()
        } finally {
          jest.useRealTimers()
          await third.close()
        }
      },
    )
  })

  describe('a claim', () => {
    let claim: ReplyTask
    beforeAll(async () => {
      sessionId = await startSession(store)
    })
    const start = async (leaseMs?: number) => {
      claim = await startReply(store, sessionId, leaseMs)
    }

    it('is lengthened by renewing', async () => {
      await start(200)
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('held')
      const later = await startReply(store, sessionId, 200)
      await endOfLease(store, later)
      expect(await second.replies.claim(claim, LEASE_MS)).toBeUndefined()
    })

    it('is held after its lease has run out, as long as nobody else took it', async () => {
      await start(1)
      await endOfLease(store, claim)
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('held')
    })

    it('is lost to a higher epoch in every way', async () => {
      await start(1)
      await eventually(
        () => second.replies.claim(claim, LEASE_MS),
        (taken) => taken !== undefined,
      )
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('lost')
      expect(await store.replies.raiseEpoch(claim, LEASE_MS)).toBeUndefined()
      expect(await store.replies.commit(claim, newOutcome())).toBe('lost')
      await store.replies.release(claim)
      await store.replies.settle(claim, claim.epoch, 'cancelled')
      expect(await store.replies.findOpen(sessionId)).toMatchObject({ state: expect.anything() })
      expect(await second.replies.renew({ ...claim, epoch: 2 }, LEASE_MS)).toBe('held')
    })

    it('goes on under a raised epoch, which ends the one before', async () => {
      await start()
      const raised = await store.replies.raiseEpoch(claim, LEASE_MS)
      expect(raised).toMatchObject({ messageId: claim.messageId, epoch: 2 })
      if (!raised) return
      expect(await store.replies.commit(claim, newOutcome())).toBe('lost')
      expect(await store.replies.commit(raised, newOutcome())).toBe('committed')
    })

    it('is raised for one of 50 concurrent callers', async () => {
      await start()
      const raised = await Promise.all(
        times(50, (i) => (i % 2 ? store : second).replies.raiseEpoch(claim, LEASE_MS)),
      )
      expect(raised.filter((one) => one !== undefined)).toHaveLength(1)
    })

    it('is given back at the same epoch', async () => {
      await start()
      await store.replies.release(claim)
      expect(await store.replies.renew(claim, LEASE_MS)).toBe('lost')
      expect(await second.replies.claim(claim, LEASE_MS)).toMatchObject({ epoch: 2 })
    })

    it('counts the attempts of others, raised epochs too', async () => {
      await start()
      expect(claim.attempts).toBe(1)
      const raised = await store.replies.raiseEpoch(claim, LEASE_MS)
      if (raised) await store.replies.release(raised)
      expect(await second.replies.claim(claim, LEASE_MS)).toMatchObject({ attempts: 3 })
    })
  })
}
