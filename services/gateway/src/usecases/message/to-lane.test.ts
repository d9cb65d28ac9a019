import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import type { User } from '@chatbox/contract'
import { newVisitorId } from '../../auth/visitor-tokens.ts'
import { toAddressKey } from '../../edge/client-address.ts'
import { toLane } from './to-lane.ts'

const pseudonym = (name: string) =>
  createHash('sha256').update(name).digest('base64url').slice(0, 22)
const laneOf = (who: User, address: string) => toLane({ pseudonym }, who, address)
const visitor = (): User => ({ id: newVisitorId(), name: '', roles: ['user'] })
const user = (id: string): User => ({ id, name: '', roles: ['user'] })

describe('a lane', () => {
  it('is one for all visitors of an address', () => {
    expect(laneOf(visitor(), '203.0.113.7')).toBe(laneOf(visitor(), '203.0.113.7'))
    expect(laneOf(visitor(), '203.0.113.7')).not.toBe(laneOf(visitor(), '203.0.113.8'))
  })

  it('is one for an IPv6 /64', () => {
    const [one, same, other] = ['2001:db8:1:2::a', '2001:db8:1:2:ffff::b', '2001:db8:1:3::a'].map(
      (address) => laneOf(visitor(), toAddressKey(address)),
    )
    expect(one).toBe(same)
    expect(one).not.toBe(other)
  })

  it('is the same for a signed-in user wherever they are, and nobody else’s', () => {
    expect(laneOf(user('ann'), '203.0.113.7')).toBe(laneOf(user('ann'), '198.51.100.1'))
    expect(laneOf(user('ann'), '203.0.113.7')).not.toBe(laneOf(user('bob'), '203.0.113.7'))
    expect(laneOf(user('203.0.113.7'), '')).not.toBe(laneOf(visitor(), '203.0.113.7'))
  })

  it('is a pseudonym, which fits an id and names nobody', () => {
    expect(laneOf(visitor(), '203.0.113.7')).toMatch(/^[\w-]{22}$/)
  })
})
