import { describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import type { RevocationChange, RevocationMark } from '@chatbox/core'
import { newId, newRevocation, times, useStores, type StoreHarness } from './store.support.ts'

/** Every promise of `Revocations`. */
export function describeRevocations(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  async function readAll(mark?: RevocationMark, limit = 3): Promise<RevocationChange[]> {
    const { changes, last } = await second.revocations.listChanges(mark, limit)
    return last ? [...changes, ...(await readAll(last, limit))] : changes
  }

  const latest = async (): Promise<Map<string, RevocationChange>> =>
    new Map((await readAll()).map((change) => [change.userId, change]))

  describe('Revocations', () => {
    it('keeps one for each user, whatever its id looks like', async () => {
      const userIds = [newId(), 'ada@site.org', '$ne', '{"$ne":null', 'a/b', '用户']
      for (const userId of userIds) {
        const revocation = newRevocation({ userId })
        await store.revocations.put(newRevocation({ userId, before: new Date(1) }))
        await store.revocations.put(revocation)
        expect(await second.revocations.find(userId)).toEqual(revocation)
        expect((await latest()).get(userId)).toEqual({ userId, revocation })
      }
      expect(await store.revocations.find(newId())).toBeUndefined()
    })

    it('ends one once, and tells of the end', async () => {
      const revocation = newRevocation()
      const { userId } = revocation
      expect(await store.revocations.end(userId)).toBe(false)
      await store.revocations.put(revocation)
      expect(await second.revocations.end(userId)).toBe(true)
      expect(await store.revocations.end(userId)).toBe(false)
      expect(await store.revocations.find(userId)).toBeUndefined()
      expect((await latest()).get(userId)).toEqual({ userId, revocation: undefined })
      await store.revocations.put(revocation)
      expect(await second.revocations.find(userId)).toEqual(revocation)
    })

    it('lets no change of roles take the place of a shut-out that stands', async () => {
      const shutOut = newRevocation()
      const changed = { ...shutOut, reason: 'roles_changed' as const, before: new Date() }
      await store.revocations.put(shutOut)
      await second.revocations.put(changed)
      expect(await store.revocations.find(shutOut.userId)).toEqual(shutOut)
      await store.revocations.end(shutOut.userId)
      await second.revocations.put(changed)
      expect(await store.revocations.find(shutOut.userId)).toEqual(changed)
      await store.revocations.put(shutOut)
      expect(await second.revocations.find(shutOut.userId)).toEqual(shutOut)
    })

    it('bears 20 writers of one user at once', async () => {
      const userId = newId()
      await Promise.all(
        times(20, (i) => (i % 2 ? store : second).revocations.put(newRevocation({ userId }))),
      )
      expect(await store.revocations.find(userId)).toMatchObject({ userId, reason: 'shut_out' })
    })

    it('tells a follower of each change, in pages, and of nothing twice', async () => {
      const { last } = await store.revocations.listChanges(undefined, 1000)
      const made = times(10, () => newRevocation())
      for (const revocation of made) await store.revocations.put(revocation)
      const seen = (await readAll(last)).map(({ revocation }) => revocation)
      const byUser = (a: { userId: string }, b: { userId: string }) =>
        a.userId < b.userId ? -1 : 1
      expect(seen.filter((revocation) => revocation !== undefined).sort(byUser)).toEqual(
        made.sort(byUser),
      )
    })
  })
}
