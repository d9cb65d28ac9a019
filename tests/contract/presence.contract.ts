import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Presence } from '@chatbox/core'
import { newId } from './redis.support.ts'

export interface PresenceHarness {
  presence: Presence
  /** Of another gateway, or the same one where there is but one. */
  other: Presence
  close(): Promise<void>
}

export function describePresence(name: string, open: () => Promise<PresenceHarness>): void {
  describe(`Presence: ${name}`, () => {
    let harness: PresenceHarness
    let presence: Presence
    let other: Presence
    beforeEach(async () => {
      harness = await open()
      ;({ presence, other } = harness)
    })
    afterEach(() => harness.close())

    it('counts the connections of a user over all gateways', async () => {
      expect(await presence.count('ada')).toBe(0)
      expect(await presence.join('ada', 'a')).toBe(1)
      expect(await other.join('ada', 'b')).toBe(2)
      expect(await other.join('bob', 'c')).toBe(1)
      expect(await presence.count('ada')).toBe(2)
      await presence.leave('ada', 'a')
      expect(await other.count('ada')).toBe(1)
    })

    it('counts a connection once, however often it joins or leaves', async () => {
      await presence.join('ada', 'a')
      expect(await presence.join('ada', 'a')).toBe(1)
      await presence.leave('ada', 'a')
      await presence.leave('ada', 'a')
      expect(await presence.count('ada')).toBe(0)
    })

    it('keeps the new connection when the old one is noticed to be gone only later', async () => {
      await presence.join('ada', 'old')
      await other.join('ada', 'new')
      await presence.leave('ada', 'old')
      expect(await presence.count('ada')).toBe(1)
    })

    it('takes any user id', async () => {
      for (const userId of ['ada@example.org', 'visitor:1', '日本', '{x}', ' ', 'x'.repeat(255)]) {
        expect(await presence.join(userId, 'a')).toBe(1)
        expect(await other.join(userId, 'b')).toBe(2)
      }
    })

    it('gives 50 that join at once the numbers 1 to 50', async () => {
      const counts = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          (index % 2 ? presence : other).join('ada', newId()),
        ),
      )
      expect(counts.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 50 }, (_, index) => index + 1),
      )
      await Promise.all([presence.refresh(), other.refresh()])
      expect(await presence.count('ada')).toBe(50)
    })
  })
}
