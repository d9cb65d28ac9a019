import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Ledger } from '@chatbox/core'

export interface LedgerHarness {
  ledger: Ledger
  /** The same counts as another process sees them. */
  other: Ledger
  close(): Promise<void>
}

const DAY = '2026-05-05'
const NEXT_DAY = '2026-05-06'

export function describeLedger(name: string, open: () => Promise<LedgerHarness>): void {
  describe(`a ledger in ${name}`, () => {
    let harness: LedgerHarness
    let ids = 0
    beforeAll(async () => {
      harness = await open()
    })
    afterAll(() => harness.close())

    const newId = () => `id-${ids++}`
    const charge = (accounts: string[], tokens: number, cost = 0) => ({
      id: newId(),
      day: DAY,
      accounts,
      spending: { tokens, cost },
    })

    it('has counted nothing of an account that nobody used', async () => {
      expect(await harness.ledger.read(DAY, [newId(), newId()])).toEqual([
        { tokens: 0, cost: 0 },
        { tokens: 0, cost: 0 },
      ])
    })

    it('adds to every account of a charge, and answers the new sums in their order', async () => {
      const [one, two] = [newId(), newId()]
      expect(await harness.ledger.add(charge([one], 5, 50))).toEqual([{ tokens: 5, cost: 50 }])
      expect(await harness.other.add(charge([two, one], 7, 70))).toEqual([
        { tokens: 7, cost: 70 },
        { tokens: 12, cost: 120 },
      ])
      expect(await harness.ledger.read(DAY, [one])).toEqual([{ tokens: 12, cost: 120 }])
    })

    it('adds a charge once, however often and wherever it is repeated', async () => {
      const account = newId()
      const one = charge([account], 5)
      await harness.ledger.add(one)
      expect(await harness.ledger.add(one)).toBeUndefined()
      expect(await harness.other.add(one)).toBeUndefined()
      expect(await harness.other.read(DAY, [account])).toEqual([{ tokens: 5, cost: 0 }])
    })

    it('loses nothing of what several processes add at once', async () => {
      const account = newId()
      const charges = Array.from({ length: 60 }, (_, i) => charge([account, 'all'], i, 1))
      await Promise.all(charges.map((one, i) => (i % 2 ? harness.ledger : harness.other).add(one)))
      expect(await harness.ledger.read(DAY, [account])).toEqual([{ tokens: 1770, cost: 60 }])
    })

    it('begins again with the day, and still takes a late charge of the day before', async () => {
      const account = newId()
      await harness.ledger.add(charge([account], 5))
      await harness.ledger.add({ ...charge([account], 3), day: NEXT_DAY })
      await harness.ledger.add(charge([account], 2))
      expect(await harness.ledger.read(DAY, [account])).toEqual([{ tokens: 7, cost: 0 }])
      expect(await harness.other.read(NEXT_DAY, [account])).toEqual([{ tokens: 3, cost: 0 }])
    })

    it('stops at the largest safe integer', async () => {
      const account = newId()
      const most = Number.MAX_SAFE_INTEGER
      await harness.ledger.add(charge([account], most - 1, most))
      await harness.ledger.add(charge([account], most, most))
      expect(await harness.ledger.read(DAY, [account])).toEqual([{ tokens: most, cost: most }])
      await harness.ledger.add(charge([account], 1, 1))
      expect(await harness.ledger.read(DAY, [account])).toEqual([{ tokens: most, cost: most }])
    })
  })
}
