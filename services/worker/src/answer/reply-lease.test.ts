import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { AppError, type Claim, type ClaimState } from '@chatbox/core'
import { ReplyLease } from './reply-lease.ts'
import { RunningReply } from './running-replies.ts'

const CLAIM: Claim = { sessionId: 's', messageId: 'm', replyId: 'r', epoch: 1 }
const LEASE_MS = 9000
const SILENCE_MS = 30_000

type Answer = ClaimState | Error | Promise<ClaimState>

function holdLease(answers: Answer[] = [], raise?: () => Promise<Claim | undefined>) {
  const asked: { epoch: number; at: number }[] = []
  const startedAt = Date.now()
  const reply = new RunningReply()
  let lost = 0
  const replies = {
    async renew(claim: Claim) {
      asked.push({ epoch: claim.epoch, at: Date.now() - startedAt })
      const answer = answers.shift() ?? 'held'
      if (answer instanceof Error) throw answer
      return answer
    },
    raiseEpoch: raise ?? (async (claim: Claim) => ({ ...claim, epoch: claim.epoch + 1 })),
  }
  const lease = new ReplyLease(reply, {
    replies,
    claim: CLAIM,
    leaseMs: LEASE_MS,
    silenceMs: SILENCE_MS,
    onLost: () => lost++,
  })
  return { lease, reply, asked, lost: () => lost }
}

const away = () => new AppError('UNAVAILABLE', 'away')
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms)

describe('ReplyLease', () => {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it('renews at a third of its time for as long as it is held', async () => {
    const { lease, reply, asked } = holdLease()
    await pass(60_000)
    expect(asked).toHaveLength(20)
    expect(asked[0]?.at).toBe(3000)
    expect(reply.abortReason()).toBeUndefined()
    lease.end()
    expect(jest.getTimerCount()).toBe(0)
  })

  it('aborts for a stop and goes on holding', async () => {
    const { lease, reply, asked } = holdLease(['stop-requested'])
    await pass(6000)
    expect(reply.abortReason()).toBe('stop')
    expect(lease.lost.aborted).toBe(false)
    expect(asked).toHaveLength(2)
    lease.end()
  })

  it('aborts once the store says that the claim is lost', async () => {
    const { lease, reply, asked, lost } = holdLease(['lost'])
    await pass(30_000)
    expect(reply.abortReason()).toBe('lost')
    expect(lease.lost.aborted).toBe(true)
    expect(lost()).toBe(1)
    expect(asked).toHaveLength(1)
    expect(jest.getTimerCount()).toBe(0)
  })

  it('outlives a store that is away for longer than the lease', async () => {
    const { lease, reply, asked } = holdLease(Array.from({ length: 25 }, away))
    await pass(SILENCE_MS - 1)
    expect(reply.abortReason()).toBeUndefined()
    // Sooner than after a good renewal.
    expect(asked.slice(0, 4).map(({ at }) => at)).toEqual([3000, 3900, 4800, 5700])
    await pass(60_000)
    expect(reply.abortReason()).toBeUndefined()
    lease.end()
  })

  it('counts itself lost when the store is silent for too long', async () => {
    const { reply, lost } = holdLease(Array.from({ length: 100 }, away))
    await pass(SILENCE_MS - 1)
    expect(reply.abortReason()).toBeUndefined()
    await pass(LEASE_MS / 10)
    expect(reply.abortReason()).toBe('lost')
    expect(lost()).toBe(1)
    expect(jest.getTimerCount()).toBe(0)
  })

  it('renews the epoch that it has raised', async () => {
    const { lease, asked } = holdLease()
    expect(await lease.raise()).toBe(true)
    expect(lease.claim.epoch).toBe(2)
    await pass(3000)
    expect(asked).toEqual([{ epoch: 2, at: 3000 }])
    lease.end()
  })

  it('has heard from the store when the epoch is raised', async () => {
    const { lease, reply } = holdLease(Array.from({ length: 100 }, away))
    await pass(5000)
    await lease.raise()
    await pass(SILENCE_MS - 1)
    expect(reply.abortReason()).toBeUndefined()
    await pass(LEASE_MS / 10)
    expect(reply.abortReason()).toBe('lost')
  })

  it('does not take an answer about the epoch before for one about this', async () => {
    const late = Promise.withResolvers<ClaimState>()
    const { lease, reply } = holdLease([late.promise])
    await pass(3000)
    await lease.raise()
    late.resolve('lost')
    await pass(0)
    expect(reply.abortReason()).toBeUndefined()
    lease.end()
  })

  it('does not begin another attempt once it is lost', async () => {
    const { lease, reply } = holdLease([], async () => undefined)
    expect(await lease.raise()).toBe(false)
    expect(reply.abortReason()).toBe('lost')
    expect(jest.getTimerCount()).toBe(0)
  })

  it('stays as it was where raising fails', async () => {
    const { lease, reply } = holdLease([], () => Promise.reject(away()))
    await expect(lease.raise()).rejects.toThrow('away')
    expect(lease.claim.epoch).toBe(1)
    await pass(30_000)
    expect(reply.abortReason()).toBeUndefined()
    lease.end()
    expect(jest.getTimerCount()).toBe(0)
  })
})
