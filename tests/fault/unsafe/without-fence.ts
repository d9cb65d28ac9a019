import type { Backend } from '@chatbox/adapters'
import type { ReplyDelta } from '@chatbox/contract'
import type { Claim, EventBus, ReplyClaims } from '@chatbox/core'
import { override } from '../../environment/override.ts'

/** The product's own lease, which the worker no longer judges itself. */
const LEASE_MS = 6000
const RENEW_MS = 2000

/** For the worker's own check of its lease, which would stop it before any fence does. */
export const NEVER_EXPIRING_MS = 3_600_000

/**
 * Keeps a worker from noticing that another one owns its reply: it writes with the current attempt
 * and continues to renew.
 */
export function withoutFence(backend: Backend): Backend {
  const { replies, bus } = backend
  return { ...backend, replies: unfenceReplies(replies), bus: unfenceBus(bus, replies) }
}

function unfenceReplies(replies: ReplyClaims): ReplyClaims {
  const renewals = new Map<string, NodeJS.Timeout>()
  const current = async (claim: Claim): Promise<Claim> => ({
    ...claim,
    epoch: await findEpoch(replies, claim),
  })
  const end = ({ messageId }: Claim): void => {
    clearInterval(renewals.get(messageId))
    renewals.delete(messageId)
  }

  return override(replies, {
    async claim(question) {
      const claimed = await replies.claim(question, LEASE_MS)
      if (!claimed) return undefined
      end(claimed)
      const renew = async (): Promise<void> => {
        await replies.renew(await current(claimed), LEASE_MS)
      }
      const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS)
      renewals.set(claimed.messageId, timer)
      return claimed
    },
    renew: async (claim) => replies.renew(await current(claim), LEASE_MS),
    raiseEpoch: async (claim) => replies.raiseEpoch(await current(claim), LEASE_MS),
    async release(claim) {
      end(claim)
      await replies.release(await current(claim))
    },
    async commit(claim, outcome) {
      const result = await replies.commit(await current(claim), outcome)
      if (result !== 'stop-requested') end(claim)
      return result
    },
  })
}

function unfenceBus(bus: EventBus, replies: ReplyClaims): EventBus {
  return override(bus, {
    async publishDelta(delta, textSoFar) {
      const attempt = await findEpoch(replies, { ...delta, epoch: delta.attempt })
      await bus.publishDelta({ ...delta, attempt }, textSoFar)
      return 'published'
    },
  })
}

/** Returns the attempt that owns the reply now; the caller's own if none is known. */
async function findEpoch(
  replies: ReplyClaims,
  reply: Pick<ReplyDelta, 'sessionId' | 'replyId'> & Pick<Claim, 'epoch'>,
): Promise<number> {
  const open = await replies.findOpen(reply.sessionId).catch(() => undefined)
  return open?.replyId === reply.replyId ? Math.max(open.epoch, reply.epoch) : reply.epoch
}
