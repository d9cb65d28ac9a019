import { describe, expect, it } from '@jest/globals'
import { toAddressKey } from './client-address.ts'

describe('toAddressKey', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['2001:db8:0:0:8::1', '2001:db8::/64'],
    ['::1', '::/64'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:FFFF:203.0.113.7', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '64:ff9b::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['fe80::1%br-lan.7', 'fe80::/64'],
    ['::ffff:203.0.113.7%eth0', '203.0.113.7'],
    ['010.0.0.1', '010.0.0.1'],
    ['no address', 'no address'],
    [undefined, 'unknown'],
  ])('counts %s as %s', (address, key) => {
    expect(toAddressKey(address)).toBe(key)
  })
})
