import { expect } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import type { CommittedReply } from '@chatbox/core'
import type { StoreHarness } from '../contract/store.support.ts'
import { findUnmarked, withoutAdded } from './next-version.ts'
import type { SharedStore } from './shared-store.ts'

/**
 * A harness for the contract of the port, whose store seals as the next version does and finds all
 * that is stored made into what that version would have written, before each call.
 */
export function besideNextVersion(open: () => Promise<SharedStore>): () => Promise<StoreHarness> {
  return async () => {
    const shared = await open()
    const openOne = async (): Promise<Store> => upgradedBetween(await shared.open('next'), shared)
    return {
      store: await openOne(),
      openSecond: openOne,
      async swapSealed(a, b) {
        const [ofA, ofB] = [await shared.readSealed(a), await shared.readSealed(b)]
        await shared.replaceSealed(a, ofB)
        await shared.replaceSealed(b, ofA)
      },
      close: () => shared.close(),
    }
  }
}

type Method = (...args: unknown[]) => Promise<unknown>

function upgradedBetween(store: Store, shared: SharedStore): Store {
  let upgrading: Promise<void> | undefined
  const upgrade = (): Promise<void> =>
    (upgrading ??= shared.upgrade().finally(() => {
      upgrading = undefined
    }))
  const between = <P extends object>(port: P): P =>
    new Proxy(port, {
      get(target, name) {
        const method = Reflect.get(target, name) as Method
        return async (...args: unknown[]) => {
          await upgrade()
          return takeOutcome(name, await method.apply(target, args))
        }
      },
    })
  return {
    sessions: between(store.sessions),
    messages: between(store.messages),
    replies: between(store.replies),
    conversationRefs: between(store.conversationRefs),
    inbox: between(store.inbox),
    alerts: between(store.alerts),
    desks: between(store.desks),
    revocations: between(store.revocations),
    signInTickets: between(store.signInTickets),
    audit: between(store.audit),
    ping: () => store.ping(),
    close: () => store.close(),
  }
}

/** The only thing that is to come out with what the next version added: it goes into the log with it. */
function takeOutcome(name: string | symbol, result: unknown): unknown {
  if (name !== 'findCommitted' || result === undefined) return result
  const { outcome, ...committed } = result as CommittedReply
  // One that cannot be opened holds nothing.
  if (outcome.content !== '') expect(findUnmarked(outcome)).toEqual([])
  return { ...committed, outcome: withoutAdded(outcome) }
}
