import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { ChatStore, OpenReply, RetryRequest } from '@chatbox/core'
import {
  answer,
  eventEntry,
  eventually,
  finishReply,
  newId,
  newOutcome,
  nextTime,
  questionEntry,
  replyEntry,
  startReply,
  startSession,
  times,
  userEntry,
  type StoreHarness,
} from './chat-store.support.ts'

const LEASE_MS = 60_000

/** The outbox of the questions: claims, fences, stops and retries of every `ChatStore`. */
export function describeChatStoreOutbox(open: () => Promise<StoreHarness>): void {
  let harness: StoreHarness
  let store: ChatStore
  let second: ChatStore
  let sessionId: string
  beforeAll(async () => {
    harness = await open()
    store = harness.store
    second = await harness.openSecond()
  })
  afterAll(async () => {
    await second.close()
    await harness.close()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  const ask = async () => {
    const entry = questionEntry(sessionId)
    const { message } = await store.append(entry)
    return { question: { sessionId, messageId: message.id }, replyId: entry.replyId ?? '', message }
  }
  const retryOf = (messageId: string): RetryRequest => ({
    sessionId,
    messageId,
    replyId: newId(),
    modelId: 'other',
    askedAt: nextTime(),
  })
  /** Waits until the store itself says that a lease has run out. */
  const endOfLease = ({ messageId }: OpenReply) =>
    eventually(
      () => store.listStrandedReplies(3_600_000, 1000),
      (stranded) => stranded.some((reply) => reply.messageId === messageId),
    )
  const wrongClock = (offsetMs: number) => {
    jest.useFakeTimers({
      now: Date.now() + offsetMs,
      doNotFake: [
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
        'setTimeout',
        'clearTimeout',
      ],
    })
  }

  describe('findOpenReply', () => {
    it('answers the question as it was asked', async () => {
      sessionId = await startSession(store)
      await store.append(userEntry(sessionId))
      expect(await store.findOpenReply(sessionId)).toBeUndefined()
      const { question, replyId, message } = await ask()
      expect(await second.findOpenReply(sessionId)).toEqual({
        ...question,
        questionSeq: message.seq,
        replyId,
        modelId: 'demo',
        state: 'pending',
        epoch: 0,
        stopRequested: false,
        askedAt: message.createdAt,
      })
    })

    it('answers the oldest one until it is settled', async () => {
      sessionId = await startSession(store)
      const [first, next] = [await ask(), await ask()]
      const open = async () => (await second.findOpenReply(sessionId))?.messageId
      expect(await open()).toBe(first.question.messageId)
      const claim = await store.claimReply(first.question, LEASE_MS)
      if (!claim) throw new Error('not claimed')
      expect(await open()).toBe(first.question.messageId)
      await store.commitReply(claim, newOutcome())
      expect(await second.findOpenReply(sessionId)).toMatchObject({
        ...first.question,
        state: 'committed',
      })
      await store.settleReply(claim, claim.epoch, 'done')
      expect(await open()).toBe(next.question.messageId)
    })
  })

  describe('claimReply', () => {
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('gives a question to one of 200 concurrent callers', async () => {
      const { question } = await ask()
      const claims = await Promise.all(
        times(200, (i) => (i % 2 ? store : second).claimReply(question, LEASE_MS)),
      )
      const won = claims.filter((claim) => claim !== undefined)
      expect(won).toHaveLength(1)
      expect(won[0]).toMatchObject({ ...question, state: 'running', epoch: 1 })
    })

    it('gives nothing for an unknown question, a plain message or another session', async () => {
      const { question } = await ask()
      const { message } = await store.append(userEntry(sessionId))
      const elsewhere = await startSession(store)
      for (const key of [
        { sessionId, messageId: newId() },
        { sessionId, messageId: message.id },
        { ...question, sessionId: elsewhere },
      ]) {
        expect(await store.claimReply(key, LEASE_MS)).toBeUndefined()
      }
    })

    it('gives it again under a higher epoch when the lease has run out', async () => {
      const { question } = await ask()
      const first = await store.claimReply(question, 1)
      const next = await eventually(
        () => second.claimReply(question, LEASE_MS),
        (claim) => claim !== undefined,
      )
      expect([first?.epoch, next?.epoch]).toEqual([1, 2])
      expect(await second.claimReply(question, LEASE_MS)).toBeUndefined()
    })

    it.each([-30_000, 30_000])(
      'judges leases by the store’s clock, not by one that is %d ms off',
      async (offsetMs) => {
        const { question } = await ask()
        wrongClock(offsetMs)
        const third = await harness.openSecond()
        try {
          const claim = await third.claimReply(question, 10_000)
          expect(claim).toBeDefined()
          expect(await third.claimReply(question, 10_000)).toBeUndefined()
          jest.useRealTimers()
          // A lease of 10 s neither looks ended to others already, nor will it for 30 s more.
          expect(await store.claimReply(question, 10_000)).toBeUndefined()
          wrongClock(offsetMs)
          if (claim) expect(await third.renewReply(claim, 200)).toBe('held')
          jest.useRealTimers()
          await eventually(
            () => store.claimReply(question, 10_000),
            (taken) => taken !== undefined,
          )
          wrongClock(offsetMs)
          expect(await third.claimReply(question, 10_000)).toBeUndefined()
        } finally {
          jest.useRealTimers()
          await third.close()
        }
      },
    )
  })

  describe('a claim', () => {
    let claim: OpenReply
    beforeAll(async () => {
      sessionId = await startSession(store)
    })
    const start = async (leaseMs?: number) => {
      claim = await startReply(store, sessionId, leaseMs)
    }

    it('is lengthened by renewing', async () => {
      await start(200)
      expect(await store.renewReply(claim, LEASE_MS)).toBe('held')
      const later = await startReply(store, sessionId, 200)
      await endOfLease(later)
      expect(await second.claimReply(claim, LEASE_MS)).toBeUndefined()
    })

    it('is held after its lease has run out, as long as nobody else took it', async () => {
      await start(1)
      await endOfLease(claim)
      expect(await store.renewReply(claim, LEASE_MS)).toBe('held')
    })

    it('is lost to a higher epoch in every way', async () => {
      await start(1)
      await eventually(
        () => second.claimReply(claim, LEASE_MS),
        (taken) => taken !== undefined,
      )
      expect(await store.renewReply(claim, LEASE_MS)).toBe('lost')
      expect(await store.raiseEpoch(claim, LEASE_MS)).toBeUndefined()
      expect(await store.commitReply(claim, newOutcome())).toBe('lost')
      await store.releaseReply(claim)
      await store.settleReply(claim, claim.epoch, 'cancelled')
      expect(await store.findOpenReply(sessionId)).toMatchObject({ state: expect.anything() })
      expect(await second.renewReply({ ...claim, epoch: 2 }, LEASE_MS)).toBe('held')
    })

    it('goes on under a raised epoch, which ends the one before', async () => {
      await start()
      const raised = await store.raiseEpoch(claim, LEASE_MS)
      expect(raised).toMatchObject({ messageId: claim.messageId, epoch: 2 })
      if (!raised) return
      expect(await store.commitReply(claim, newOutcome())).toBe('lost')
      expect(await store.commitReply(raised, newOutcome())).toBe('committed')
    })

    it('is raised for one of 50 concurrent callers', async () => {
      await start()
      const raised = await Promise.all(
        times(50, (i) => (i % 2 ? store : second).raiseEpoch(claim, LEASE_MS)),
      )
      expect(raised.filter((one) => one !== undefined)).toHaveLength(1)
    })

    it('is given back at the same epoch', async () => {
      await start()
      await store.releaseReply(claim)
      expect(await store.renewReply(claim, LEASE_MS)).toBe('lost')
      expect(await second.claimReply(claim, LEASE_MS)).toMatchObject({ epoch: 2 })
    })
  })

  describe('commitReply', () => {
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('fixes one outcome of 50 concurrent attempts, and gives it to whoever asks', async () => {
      const claim = await startReply(store, sessionId)
      const results = await Promise.all(
        times(50, (i) =>
          (i % 2 ? store : second).commitReply(
            { ...claim, epoch: i === 7 ? 1 : 2 },
            newOutcome({ content: `text ${i}` }),
          ),
        ),
      )
      expect(results.filter((result) => result === 'committed')).toHaveLength(1)
      const committed = await second.findCommittedReply(claim)
      expect(committed).toMatchObject({
        reply: { ...claim, state: 'committed' },
        outcome: { content: 'text 7', status: 'complete', usage: { totalTokens: 8 } },
      })
    })

    it('keeps every field of an outcome', async () => {
      const claim = await startReply(store, sessionId)
      const error = { code: 'LLM_TRUNCATED', message: 'Cut.', retryable: true } as const
      const outcome = newOutcome({ status: 'incomplete', error, content: 'Größe 👍' })
      await store.commitReply(claim, outcome)
      expect((await second.findCommittedReply(claim))?.outcome).toEqual(outcome)
    })

    it('answers the same when the same commit is made again', async () => {
      const claim = await startReply(store, sessionId)
      expect(await store.commitReply(claim, newOutcome())).toBe('committed')
      expect(await store.commitReply(claim, newOutcome())).toBe('committed')
      await store.settleReply(claim, claim.epoch, 'done')
      expect(await store.commitReply(claim, newOutcome())).toBe('committed')
      expect(await store.findCommittedReply(claim)).toBeUndefined()
    })

    it('refuses what could not enter the log', async () => {
      const claim = await startReply(store, sessionId)
      await expect(
        store.commitReply(claim, newOutcome({ content: '\ud83d' })),
      ).rejects.toMatchObject({ code: 'INVALID_FORMAT' })
      expect(await store.renewReply(claim, LEASE_MS)).toBe('held')
    })

    it('has no outcome before and none under another session', async () => {
      const claim = await startReply(store, sessionId)
      expect(await store.findCommittedReply(claim)).toBeUndefined()
      await store.commitReply(claim, newOutcome())
      const elsewhere = { ...claim, sessionId: await startSession(store) }
      expect(await store.findCommittedReply(elsewhere)).toBeUndefined()
    })
  })

  describe('requestStop', () => {
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('comes before a complete outcome and lets a stopped one through', async () => {
      const claim = await startReply(store, sessionId)
      expect(await second.requestStop(sessionId, claim.replyId)).toBe(true)
      expect(await second.requestStop(sessionId, claim.replyId)).toBe(true)
      expect(await store.renewReply(claim, LEASE_MS)).toBe('stop-requested')
      expect(await store.commitReply(claim, newOutcome())).toBe('stop-requested')
      const stopped = newOutcome({ status: 'stopped', content: 'Half' })
      expect(await store.commitReply(claim, stopped)).toBe('committed')
      expect((await store.findCommittedReply(claim))?.outcome).toEqual(stopped)
    })

    it('reaches a question before anybody has claimed it', async () => {
      const { question, replyId } = await ask()
      expect(await store.requestStop(sessionId, replyId)).toBe(true)
      expect(await second.claimReply(question, LEASE_MS)).toMatchObject({ stopRequested: true })
    })

    it('comes too late after the commit, and knows no foreign reply', async () => {
      const claim = await startReply(store, sessionId)
      const elsewhere = await startSession(store)
      expect(await store.requestStop(elsewhere, claim.replyId)).toBe(false)
      expect(await store.requestStop(sessionId, newId())).toBe(false)
      await store.commitReply(claim, newOutcome())
      expect(await store.requestStop(sessionId, claim.replyId)).toBe(false)
      await store.settleReply(claim, claim.epoch, 'done')
      expect(await store.requestStop(sessionId, claim.replyId)).toBe(false)
    })

    it('either stops a reply or loses to its commit, in any race', async () => {
      for (let round = 0; round < 20; round++) {
        const claim = await startReply(store, sessionId)
        const [stopped, committed] = await Promise.all([
          second.requestStop(sessionId, claim.replyId),
          store.commitReply(claim, newOutcome()),
        ])
        expect(committed).toBe(stopped ? 'stop-requested' : 'committed')
      }
    })
  })

  describe('settleReply and cancelReplies', () => {
    it('settles only what is committed, at that epoch', async () => {
      sessionId = await startSession(store)
      const claim = await startReply(store, sessionId)
      await store.settleReply(claim, claim.epoch, 'done')
      expect(await store.renewReply(claim, LEASE_MS)).toBe('held')
      await store.commitReply(claim, newOutcome())
      await store.settleReply(claim, claim.epoch + 1, 'done')
      expect(await store.findCommittedReply(claim)).toBeDefined()
      await store.settleReply(claim, claim.epoch, 'cancelled')
      await store.settleReply(claim, claim.epoch, 'done')
      expect(await store.findOpenReply(sessionId)).toBeUndefined()
    })

    it('cancels every open question of one session and says which', async () => {
      sessionId = await startSession(store)
      const done = await answer(store, sessionId)
      const running = await startReply(store, sessionId)
      const committed = await startReply(store, sessionId)
      await store.commitReply(committed, newOutcome())
      const { question, replyId } = await ask()
      const elsewhere = await startReply(store, await startSession(store))
      const cancelled = await Promise.all(
        times(10, (i) => (i % 2 ? store : second).cancelReplies(sessionId)),
      )
      expect(cancelled.flat().sort()).toEqual([running.replyId, committed.replyId, replyId].sort())
      expect(await store.findOpenReply(sessionId)).toBeUndefined()
      expect(await store.renewReply(running, LEASE_MS)).toBe('lost')
      expect(await store.commitReply(running, newOutcome())).toBe('lost')
      expect(await store.findCommittedReply(committed)).toBeUndefined()
      expect(await store.claimReply(question, LEASE_MS)).toBeUndefined()
      expect(await store.cancelReplies(sessionId)).toEqual([])
      expect(await store.renewReply(elsewhere, LEASE_MS)).toBe('held')
      expect(await store.findMessage(sessionId, done.replyId)).toBeDefined()
    })
  })

  describe('retryReply', () => {
    beforeAll(async () => {
      sessionId = await startSession(store)
    })

    it('asks the question again under a new reply id, model and epoch', async () => {
      const reply = await answer(store, sessionId, { status: 'failed' })
      const retry = retryOf(reply.replyId)
      expect(await store.retryReply(retry)).toEqual({
        ...reply,
        replyId: retry.replyId,
        modelId: 'other',
        state: 'pending',
        epoch: 2,
        askedAt: retry.askedAt,
      })
      expect(await second.findOpenReply(sessionId)).toMatchObject({ replyId: retry.replyId })
      const claim = await second.claimReply(reply, LEASE_MS)
      expect(claim).toMatchObject({ epoch: 3, stopRequested: false })
      if (claim) await finishReply(second, claim)
      expect(await store.findMessage(sessionId, retry.replyId)).toMatchObject({
        replyTo: reply.messageId,
      })
    })

    it('answers one reply id to 50 concurrent callers and to all later ones', async () => {
      const reply = await answer(store, sessionId, { status: 'stopped' })
      const results = await Promise.all(
        times(50, (i) => (i % 2 ? store : second).retryReply(retryOf(reply.replyId))),
      )
      const ids = new Set(results.map((result) => result?.replyId))
      expect(ids.size).toBe(1)
      const [first] = results
      if (!first) throw new Error('not retried')
      expect(first.epoch).toBe(reply.epoch + 1)

      const claim = await store.claimReply(first, LEASE_MS)
      if (!claim) throw new Error('not claimed')
      await finishReply(store, claim, { status: 'failed' })
      expect(await second.retryReply(retryOf(reply.replyId))).toMatchObject({
        replyId: first.replyId,
      })
      expect(await second.findOpenReply(sessionId)).toBeUndefined()

      const next = await second.retryReply(retryOf(first.replyId))
      expect(next?.replyId).not.toBe(first.replyId)
      expect(await store.retryReply(retryOf(reply.replyId))).toMatchObject({
        replyId: first.replyId,
      })
      await store.cancelReplies(sessionId)
    })

    it('fences the attempt before', async () => {
      const reply = await answer(store, sessionId, { status: 'incomplete' })
      await store.retryReply(retryOf(reply.replyId))
      expect(await store.commitReply(reply, newOutcome())).toBe('lost')
      await store.settleReply(reply, reply.epoch, 'done')
      expect(await store.findOpenReply(sessionId)).toMatchObject({ state: 'pending' })
      await store.cancelReplies(sessionId)
    })

    it('reopens a reply that is in the log but was not settled yet', async () => {
      const reply = await startReply(store, sessionId)
      const outcome = newOutcome({ status: 'failed' })
      await store.commitReply(reply, outcome)
      expect(await store.retryReply(retryOf(reply.replyId))).toBeUndefined()
      await store.append(replyEntry(reply, outcome))
      expect(await store.retryReply(retryOf(reply.replyId))).toMatchObject({ state: 'pending' })
      await store.settleReply(reply, reply.epoch, 'done')
      expect(await store.findOpenReply(sessionId)).toMatchObject({ state: 'pending' })
      await store.cancelReplies(sessionId)
    })

    it('knows no other message', async () => {
      const reply = await answer(store, sessionId)
      const { message } = await store.append(userEntry(sessionId))
      const elsewhere = await startSession(store)
      for (const id of [newId(), message.id, reply.messageId]) {
        expect(await store.retryReply(retryOf(id))).toBeUndefined()
      }
      const foreign = { ...retryOf(reply.replyId), sessionId: elsewhere }
      expect(await store.retryReply(foreign)).toBeUndefined()
      const { clientMessageId, ...stray } = userEntry(sessionId).message
      const sender = { type: 'ai', id: 'demo', name: 'demo' } as const
      await store.append({ message: { ...stray, sender, replyTo: reply.messageId } })
      expect(await store.retryReply(retryOf(stray.id))).toBeUndefined()
      expect(await store.findOpenReply(sessionId)).toBeUndefined()
    })
  })

  describe('listStrandedReplies', () => {
    const mine = async (staleMs: number) =>
      (await second.listStrandedReplies(staleMs, 1000))
        .filter((reply) => reply.sessionId === sessionId)
        .map(({ messageId }) => messageId)

    it('lists what waits too long and what runs under an ended lease', async () => {
      sessionId = await startSession(store)
      const pending = await ask()
      const running = await startReply(store, sessionId)
      const ended = await startReply(store, sessionId, 1)
      const committed = await startReply(store, sessionId)
      await store.commitReply(committed, newOutcome())
      await answer(store, sessionId)
      await endOfLease(ended)
      expect(await mine(60_000)).toEqual([ended.messageId])
      expect((await mine(0)).sort()).toEqual(
        [pending.question.messageId, ended.messageId, committed.messageId].sort(),
      )
      expect(await second.listStrandedReplies(0, 1)).toHaveLength(1)
      await store.releaseReply(running)
      await eventually(
        () => mine(0),
        (ids) => ids.includes(running.messageId),
      )
      await store.append(eventEntry(sessionId, { type: 'session_ended', reason: 'user' }))
      await store.cancelReplies(sessionId)
      expect(await mine(0)).toEqual([])
    })
  })
}
