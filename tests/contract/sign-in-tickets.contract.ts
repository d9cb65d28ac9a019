import { describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import {
  eventually,
  newId,
  times,
  useStores,
  withCode,
  type StoreHarness,
} from './store.support.ts'

const LONG_MS = 60_000

/** Every promise of `SignInTickets`. */
export function describeSignInTickets(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  describe('SignInTickets', () => {
    it('gives the content once, on whichever instance, to one of 50 at once', async () => {
      const digest = newId()
      await store.signInTickets.create({ digest, content: 'olga@site.org' }, LONG_MS)
      const uses = await Promise.all(
        times(50, (i) => (i % 2 ? store : second).signInTickets.use(digest)),
      )
      const used = uses.filter(({ outcome }) => outcome === 'used-now')
      expect(used).toEqual([{ outcome: 'used-now', content: 'olga@site.org' }])
      expect(await store.signInTickets.use(digest)).toMatchObject({ outcome: 'used-before' })
    })

    it('is late when its time is over', async () => {
      const digest = newId()
      await store.signInTickets.create({ digest, content: 'olga' }, 1)
      // A use before the end would use it up, so a browser that it is not for asks.
      const bound = newId()
      await store.signInTickets.create({ digest: bound, browser: 'b', content: 'olga' }, 1)
      await eventually(
        () => second.signInTickets.use(bound, 'other'),
        ({ outcome }) => outcome === 'late',
      )
      expect(await store.signInTickets.use(digest)).toEqual({ outcome: 'late' })
    })

    it('stays unused after a try of another browser', async () => {
      const digest = newId()
      await store.signInTickets.create({ digest, browser: 'mine', content: 'olga' }, LONG_MS)
      for (const browser of ['other', '', undefined]) {
        expect(await second.signInTickets.use(digest, browser)).toEqual({
          outcome: 'other-browser',
        })
      }
      const used = { outcome: 'used-now', content: 'olga' }
      expect(await second.signInTickets.use(digest, 'mine')).toEqual(used)
    })

    it('is for any browser where it is for none', async () => {
      const digest = newId()
      await store.signInTickets.create({ digest, content: 'olga' }, LONG_MS)
      expect(await second.signInTickets.use(digest, 'any')).toMatchObject({ outcome: 'used-now' })
    })

    it('knows nothing of others, and does not replace one', async () => {
      expect(await store.signInTickets.use(newId())).toEqual({ outcome: 'unknown' })
      const digest = newId()
      await store.signInTickets.create({ digest, content: 'olga' }, LONG_MS)
      const again = store.signInTickets.create({ digest, content: 'eve' }, LONG_MS)
      await expect(again).rejects.toEqual(withCode('CONFLICT'))
      expect(await store.signInTickets.use(digest)).toMatchObject({ content: 'olga' })
    })
  })
}
