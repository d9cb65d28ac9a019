import type { Backend } from '@chatbox/adapters'
import type { ReplyDelta } from '@chatbox/contract'
import type { ChatStore, Claim, EventBus } from '@chatbox/core'
import { override } from './override.ts'

/** The product's own lease, which it no longer judges by itself. */
const LEASE_MS = 6000
const RENEW_MS = 2000

/** For the worker's own judgement of its lease, which would stop it before any fence had to. */
export const NEVER_EXPIRING_MS = 3_600_000

/**
 * A worker never notices that its reply belongs to another one: whatever it writes is written under
 * the attempt that is current, and it goes on renewing.
 */
export function withoutFence(backend: Backend): Backend {
  const { store, bus } = backend
  return { ...backend, store: unfenceStore(store), bus: unfenceBus(bus, store) }
}

function unfenceStore(store: ChatStore): ChatStore {
  const renewals = new Map<string, NodeJS.Timeout>()
  const current = async (claim: Claim): Promise<Claim> => ({
    ...claim,
    epoch: await findEpoch(store, claim),
  })
  const end = ({ messageId }: Claim): void => {
    clearInterval(renewals.get(messageId))
    renewals.delete(messageId)
  }

  return override(store, {
    async claimReply(question) {
      const claimed = await store.claimReply(question, LEASE_MS)
      if (!claimed) return undefined
      end(claimed)
      const renew = async (): Promise<void> => {
        await store.renewReply(await current(claimed), LEASE_MS)
      }
      const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS)
      renewals.set(claimed.messageId, timer)
      return claimed
    },
    renewReply: async (claim) => store.renewReply(await current(claim), LEASE_MS),
    raiseEpoch: async (claim) => store.raiseEpoch(await current(claim), LEASE_MS),
    async releaseReply(claim) {
      end(claim)
      await store.releaseReply(await current(claim))
    },
    async commitReply(claim, outcome) {
      const result = await store.commitReply(await current(claim), outcome)
      if (result !== 'stop-requested') end(claim)
      return result
    },
  })
}

function unfenceBus(bus: EventBus, store: ChatStore): EventBus {
  return override(bus, {
    async publishDelta(delta, textSoFar) {
      const attempt = await findEpoch(store, { ...delta, epoch: delta.attempt })
      await bus.publishDelta({ ...delta, attempt }, textSoFar)
      return 'published'
    },
  })
}

/** The attempt that owns the reply now; the caller's own where nobody is known to. */
async function findEpoch(
  store: ChatStore,
  reply: Pick<ReplyDelta, 'sessionId' | 'replyId'> & Pick<Claim, 'epoch'>,
): Promise<number> {
  const open = await store.findOpenReply(reply.sessionId).catch(() => undefined)
  return open?.replyId === reply.replyId ? Math.max(open.epoch, reply.epoch) : reply.epoch
}
