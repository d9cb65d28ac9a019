import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Slots } from './slots.ts'

const CAPS = { user: 2, address: 3, process: 5, visitors: { address: 2, process: 3 } }

function enter(slots: Slots, userId: string, address: string): (() => void) | 'refused' {
  try {
    return slots.enter({ userId, address })
  } catch {
    return 'refused'
  }
}

describe('slots', () => {
  it('hold each cap in any order of coming and going, and refuse nobody who has room', () => {
    const users = fc.constantFrom('u0', 'u1', 'u2', 'visitor:a', 'visitor:b', 'visitor:c')
    const steps = fc.array(fc.record({ user: users, address: fc.nat(2), leaves: fc.nat(6) }))
    fc.assert(
      fc.property(steps, (all) => {
        const slots = new Slots(CAPS)
        const held: { user: string; address: number; leave: () => void }[] = []
        for (const { user, address, leaves } of all) {
          const gone = held[leaves]
          if (gone) {
            held.splice(leaves, 1)
            gone.leave()
            gone.leave()
          }
          const visitors = held.filter((one) => one.user.startsWith('visitor:'))
          const hasShare =
            visitors.filter((one) => one.address === address).length < CAPS.visitors.address &&
            visitors.length < CAPS.visitors.process
          const hasRoom =
            (hasShare || !user.startsWith('visitor:')) &&
            held.filter((one) => one.user === user).length < CAPS.user &&
            held.filter((one) => one.address === address).length < CAPS.address &&
            held.length < CAPS.process
          const leave = enter(slots, user, `a${address}`)
          expect(leave !== 'refused').toBe(hasRoom)
          if (leave !== 'refused') held.push({ user, address, leave })
        }
      }),
    )
  })

  it('are never all held by visitors, neither of a process nor of an address', () => {
    const slots = new Slots({ ...CAPS, user: 9 })
    expect(enter(slots, 'visitor:a', 'a')).not.toBe('refused')
    expect(enter(slots, 'visitor:b', 'a')).not.toBe('refused')
    expect(enter(slots, 'visitor:c', 'a')).toBe('refused')
    expect(enter(slots, 'ann', 'a')).not.toBe('refused')
    expect(enter(slots, 'visitor:c', 'b')).not.toBe('refused')
    expect(enter(slots, 'visitor:d', 'c')).toBe('refused')
    expect(enter(slots, 'ann', 'c')).not.toBe('refused')
  })

  it('refuse with a time to wait', () => {
    const slots = new Slots({ ...CAPS, process: 0 })
    expect(() => slots.enter({ userId: 'u', address: 'a' })).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_REQUESTS', retryAfterMs: 5000 }),
    )
  })
})
