import { describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import { trimAudit, verifyAudit, type AuditFaultKind, type AuditHead } from '@chatbox/core'
import {
  newId,
  times,
  untilStored,
  useStores,
  type AuditHarness,
  type StoredAudit,
  type StoreHarness,
} from './store.support.ts'

const LIMIT = 10_000

/** Every promise of `AuditLog`. */
export function describeAuditLog(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  describe('AuditLog', () => {
    it('gives 50 writers over two connections 50 places of one chain', async () => {
      const { head } = await verifyAudit(store.audit, { limit: LIMIT })
      const targets = times(50, newId)
      await Promise.all(
        targets.map((target, i) => untilStored(() => append(i % 2 ? store : second, { target }))),
      )
      const entries = await store.audit.read(head?.seq ?? 0, 100)
      expect(entries.map(({ seq }) => seq)).toEqual(times(50, (i) => (head?.seq ?? 0) + i + 1))
      expect(new Set(entries.map(({ target }) => target))).toEqual(new Set(targets))
      expect(await faultsOf(second)).toEqual([])
    })

    it('lists the latest first, of an actor and of an action, in pages', async () => {
      const actor = newId()
      const made = []
      for (const action of ['session:open', 'session:end', 'session:open']) {
        made.push(await append(store, { actor, action, sessionId: newId() }))
      }
      expect(await second.audit.list({ actor, limit: 5 })).toEqual(made.toReversed())
      expect(await second.audit.list({ actor, action: 'session:end', limit: 5 })).toEqual([made[1]])
      expect(await second.audit.list({ actor, after: made[2]?.seq, limit: 1 })).toEqual([made[1]])
      expect(await second.audit.list({ actor: '$ne', limit: 5 })).toEqual([])
    })
  })
}

/** What `verifyAudit` finds in a chain that somebody changed. */
export function describeAuditChain(open: () => Promise<AuditHarness>): void {
  describe('a chain of 8', () => {
    const CHANGES: [
      string,
      (stored: StoredAudit[]) => StoredAudit[],
      [number, AuditFaultKind][],
    ][] = [
      ['another actor', (all) => edit(all, 3, { actor: 'nobody' }), [[3, 'changed']]],
      ['another time', (all) => edit(all, 3, { at: '2020-01-01T00:00:00.000Z' }), [[3, 'changed']]],
      [
        'a hash',
        (all) => edit(all, 3, { hash: 'x' }),
        [
          [3, 'changed'],
          [4, 'unlinked'],
        ],
      ],
      ['a seal', (all) => edit(all, 8, { seal: all[6]?.seal ?? '' }), [[8, 'changed']]],
      ['an entry removed', (all) => all.filter(({ seq }) => seq !== 4), [[4, 'missing']]],
      [
        'a later entry in its place',
        (all) => edit(all, 4, { ...all[4], seq: 4 }).filter(({ seq }) => seq !== 5),
        [
          [4, 'changed'],
          [4, 'unlinked'],
          [5, 'missing'],
        ],
      ],
      [
        'two in each other’s places',
        (all) => edit(edit(all, 3, { ...all[3], seq: 3 }), 4, { ...all[2], seq: 4 }),
        [
          [3, 'changed'],
          [3, 'unlinked'],
          [4, 'changed'],
          [4, 'unlinked'],
          [5, 'unlinked'],
        ],
      ],
      [
        'one made up at the end',
        (all) => [...all, { ...all[7], seq: 9, previous: all[7]?.hash ?? '' }],
        [[9, 'changed']],
      ],
      ['the front cut', (all) => all.slice(2), [[3, 'cut_front']]],
    ]

    it.each(CHANGES)('with %s', async (_name, change, expected) => {
      const { harness, close } = await openChain()
      await harness.editAudit(change)
      const { faults } = await verifyAudit(harness.store.audit, { limit: LIMIT })
      const found = faults.map(({ seq, fault }) => [seq, fault])
      expect(found).toEqual(expected)
      await close()
    })

    it('without its tail is whole, unless the head is known from elsewhere', async () => {
      const { harness, heads, close } = await openChain()
      await harness.editAudit((all) => all.slice(0, 5))
      expect(await faultsOf(harness.store)).toEqual([])
      expect(await faultsOf(harness.store, heads[4])).toEqual([])
      expect(await faultsOf(harness.store, heads[7])).toEqual([{ seq: 8, fault: 'cut_tail' }])
      for (const { seq } of heads.slice(5)) {
        await append(harness.store, { target: `again-${seq}` })
      }
      expect(await faultsOf(harness.store)).toEqual([])
      expect(await faultsOf(harness.store, heads[7])).toEqual([{ seq: 8, fault: 'replaced' }])
      await close()
    })

    it('is checked in parts, and each part continues the one before', async () => {
      const { harness, close } = await openChain()
      await harness.editAudit((all) => edit(all, 5, { previous: 'x' }))
      const first = await verifyAudit(harness.store.audit, { limit: 4 })
      expect(first).toMatchObject({ faults: [], checked: 4, next: 4 })
      const rest = await verifyAudit(harness.store.audit, { after: 4, limit: LIMIT })
      expect(rest.faults).toEqual([
        { seq: 5, fault: 'changed' },
        { seq: 5, fault: 'unlinked' },
      ])
      expect(rest).toMatchObject({ checked: 4, next: undefined })
      await close()
    })

    it('loses what is old, says so, and stays whole', async () => {
      const { harness, close } = await openChain()
      const { audit } = harness.store
      const now = new Date()
      const dayBefore = new Date(now.getTime() - 86_400_000)
      expect(await trimAudit(audit, { before: dayBefore, now })).toBe(0)
      expect(await trimAudit(audit, { before: new Date(now.getTime() + 60_000), now })).toBe(8)
      expect(await audit.read(0, 10)).toMatchObject([
        { seq: 9, actor: 'system', action: 'audit:trim', target: '8', state: 'intact' },
      ])
      await append(harness.store)
      expect(await faultsOf(harness.store)).toEqual([])
      await harness.editAudit((all) => all.slice(1))
      expect(await faultsOf(harness.store)).toEqual([{ seq: 10, fault: 'cut_front' }])
      await close()
    })
  })

  async function openChain(): Promise<{
    harness: AuditHarness
    heads: AuditHead[]
    close: () => Promise<void>
  }> {
    const harness = await open()
    const heads: AuditHead[] = []
    for (const target of times(8, String)) heads.push(await append(harness.store, { target }))
    return { harness, heads, close: () => harness.close() }
  }
}

function append(
  { audit }: Store,
  over: Partial<Parameters<Store['audit']['append']>[0]> = {},
): ReturnType<Store['audit']['append']> {
  return audit.append({ at: new Date(), actor: 'olga', action: 'session:open', ...over })
}

async function faultsOf({ audit }: Store, known?: AuditHead) {
  return (await verifyAudit(audit, { limit: LIMIT, known })).faults
}

function edit(stored: StoredAudit[], place: number, over: StoredAudit): StoredAudit[] {
  return stored.map((entry) => (entry.seq === place ? { ...entry, ...over } : entry))
}
