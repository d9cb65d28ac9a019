import { integer } from './setting-types.ts'
import { setting, type SettingGroup } from './setting.ts'

const GATEWAY = ['standalone', 'gateway'] as const

/** How the sockets of a process are shared out. Part of the group `limits`. */
export const ADDRESS_SETTINGS = {
  maxConnectionsPerAddress: setting('MAX_CONNECTIONS_PER_ADDRESS', integer(1, 1_000_000), {
    default: '500',
    about:
      'The number of sockets that one address may have in one process, an IPv6 network of 64 bits counting as one. Never more than four fifths of `MAX_CONNECTIONS`. An office behind one address needs two for each person.',
    usedBy: GATEWAY,
  }),
  handshakesPerAddress: setting('HANDSHAKES_PER_ADDRESS', integer(1, 1_000_000), {
    default: '1000',
    about:
      'The number of sockets that one address may open per minute, over all gateways. At least `MAX_CONNECTIONS_PER_ADDRESS`, or an office cannot come back at once after a restart.',
    usedBy: GATEWAY,
  }),
  visitorConnections: setting('VISITOR_CONNECTIONS', integer(1, 100), {
    default: '75',
    about:
      'The share of `MAX_CONNECTIONS` and of `MAX_CONNECTIONS_PER_ADDRESS` that visitors may use, in percent. The rest is for users with a token of your site.',
    usedBy: GATEWAY,
  }),
} satisfies SettingGroup
