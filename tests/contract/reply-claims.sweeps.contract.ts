import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import type { ReplyTask } from '@chatbox/core'
import {
  answer,
  askQuestion,
  endOfLease,
  eventually,
  LEASE_MS,
  newOutcome,
  retryOf,
  startReply,
  startSession,
  times,
  useStores,
  type StoreHarness,
} from './store.support.ts'

/** What sweeps find: questions that nobody finishes, and questions that wait. */
export function describeSweeps(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  let sessionId: string
  useStores(open, (opened) => ({ store, second } = opened))

  describe('ReplyClaims.takeUnfinished', () => {
    it('takes what was committed a second ago and what runs under an ended lease', async () => {
      sessionId = await startSession(store)
      await askQuestion(store, sessionId)
      await startReply(store, sessionId)
      const ended = await startReply(store, sessionId, 1)
      const committed = await startReply(store, sessionId)
      await store.replies.commit(committed, newOutcome())
      await answer(store, sessionId)
      const taken: ReplyTask[] = []
      await eventually(
        async () => taken.push(...(await take('takeUnfinished', { limit: 1000, forMs: LEASE_MS }))),
        () => taken.length > 1,
      )
      expect(taken.map(({ messageId, state }) => [messageId, state]).sort()).toEqual(
        [
          [ended.messageId, 'running'],
          [committed.messageId, 'committed'],
        ].sort(),
      )
    })

    it('leaves a lease to its owner, and to a claim after its end', async () => {
      const [kept, lost] = [
        await startReply(store, sessionId, 1),
        await startReply(store, sessionId, 1),
      ]
      await endOfLease(store, lost)
      await take('takeUnfinished', { limit: 1000 })
      expect(await store.replies.renew(kept, LEASE_MS)).toBe('held')
      const claim = () => second.replies.claim(lost, LEASE_MS)
      expect(await eventually(claim, isThere)).toMatchObject({ epoch: 2 })
    })

    it('takes what is left of a released claim no more', async () => {
      sessionId = await startSession(store)
      const released = await startReply(store, sessionId, 1)
      await endOfLease(store, released)
      await store.replies.release(released)
      expect(await take('takeUnfinished', { limit: 1000 })).toEqual([])
      expect(await takeOne()).toMatchObject({ ...released, state: 'pending' })
    })
  })

  describe('ReplyClaims.takeWaiting', () => {
    it('takes what has been pending for so long, and nothing that has ended', async () => {
      sessionId = await startSession(store)
      const { question } = await askQuestion(store, sessionId)
      await startReply(store, sessionId, 1)
      expect(await second.replies.takeWaiting(60_000, { forMs: 0, limit: 1000 })).toEqual([])
      expect(await takeOne()).toMatchObject({ ...question, state: 'pending', epoch: 0 })
      expect(await second.replies.claim(question, LEASE_MS)).toMatchObject({ epoch: 1 })
      await askQuestion(store, sessionId)
      await store.replies.cancel(sessionId, 'all')
      expect(await take('takeWaiting', { limit: 1000 })).toEqual([])
    })

    it('takes a question that is asked again', async () => {
      sessionId = await startSession(store)
      const failed = await answer(store, sessionId, { status: 'failed' })
      const again = await store.replies.retry(retryOf(sessionId, failed.replyId))
      expect(await takeOne()).toEqual(again)
    })
  })

  describe.each(['takeUnfinished', 'takeWaiting'] as const)('ReplyClaims.%s', (method) => {
    const QUESTIONS = 30
    beforeAll(async () => {
      sessionId = await startSession(store)
      for (let i = 0; i < QUESTIONS; i++) {
        if (method === 'takeWaiting') await askQuestion(store, sessionId)
        else await startReply(store, sessionId, 1)
      }
    })

    it('gives each question to one of many callers, at most so many, for so long', async () => {
      const taken: ReplyTask[] = []
      await eventually(
        async () => {
          const some = await Promise.all(
            times(6, (i) => take(method, { limit: 4, forMs: LEASE_MS }, i % 2 ? store : second)),
          )
          expect(Math.max(...some.map((tasks) => tasks.length))).toBeLessThanOrEqual(4)
          taken.push(...some.flat())
        },
        () => taken.length >= QUESTIONS,
      )
      expect(new Set(taken.map(({ messageId }) => messageId)).size).toBe(QUESTIONS)
      expect(taken).toHaveLength(QUESTIONS)
      expect(await take(method, { limit: 1000 })).toEqual([])
    })

    it('gives it again afterwards', async () => {
      await store.replies.cancel(sessionId, 'all')
      if (method === 'takeWaiting') await askQuestion(store, sessionId)
      else await startReply(store, sessionId, 1)
      for (let i = 0; i < 3; i++) {
        await eventually(
          () => take(method, { limit: 1000, forMs: 10 }),
          (tasks) => tasks.length === 1,
        )
      }
    })
  })

  /** The clocks of two instances may be some milliseconds apart. */
  async function takeOne(): Promise<ReplyTask | undefined> {
    const read = () => take('takeWaiting', { limit: 1000 })
    const tasks = await eventually(read, ({ length }) => length > 0)
    expect(tasks).toHaveLength(1)
    return tasks[0]
  }

  /** Those of this session: other tests have left some too. */
  async function take(
    method: 'takeUnfinished' | 'takeWaiting',
    { forMs = 0, limit }: { forMs?: number; limit: number },
    by = second,
  ): Promise<ReplyTask[]> {
    const taking = { forMs, limit }
    const tasks =
      method === 'takeUnfinished'
        ? await by.replies.takeUnfinished(taking)
        : await by.replies.takeWaiting(0, taking)
    return tasks.filter((task) => task.sessionId === sessionId)
  }
}

function isThere(value: unknown): boolean {
  return value !== undefined
}
