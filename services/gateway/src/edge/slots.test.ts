import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Slots } from './slots.ts'

const CAPS = { user: 2, address: 3, process: 5 }

function enter(slots: Slots, userId: string, address: string): (() => void) | 'refused' {
  try {
    return slots.enter({ userId, address })
  } catch {
    return 'refused'
  }
}

describe('slots', () => {
  it('hold each cap in any order of coming and going, and refuse nobody who has room', () => {
    const steps = fc.array(fc.record({ user: fc.nat(4), address: fc.nat(2), leaves: fc.nat(6) }))
    fc.assert(
      fc.property(steps, (all) => {
        const slots = new Slots(CAPS)
        const held: { user: number; address: number; leave: () => void }[] = []
        for (const { user, address, leaves } of all) {
          const gone = held[leaves]
          if (gone) {
            held.splice(leaves, 1)
            gone.leave()
            gone.leave()
          }
          const hasRoom =
            held.filter((one) => one.user === user).length < CAPS.user &&
            held.filter((one) => one.address === address).length < CAPS.address &&
            held.length < CAPS.process
          const leave = enter(slots, `u${user}`, `a${address}`)
          expect(leave !== 'refused').toBe(hasRoom)
          if (leave !== 'refused') held.push({ user, address, leave })
        }
      }),
    )
  })

  it('refuse with a time to wait', () => {
    const slots = new Slots({ ...CAPS, process: 0 })
    expect(() => slots.enter({ userId: 'u', address: 'a' })).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_REQUESTS', retryAfterMs: 5000 }),
    )
  })
})
