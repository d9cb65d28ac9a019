import { DESK_LIMITS, LIMITS } from '@chatbox/contract'
import { MAX_DESKS_PER_SOCKET } from '../../../services/gateway/src/ws/rooms/desk-rooms.ts'
import { MAX_KNOWN_TAGS } from '../../../shared/kit/src/settings/desk-settings.ts'
import { characters, count, type LimitGroup } from './limit.ts'

const GATEWAY = 'tests/integration/gateway-desk.test.ts'
const REFUSED = [GATEWAY, 'refuses %s, names the field and changes nothing'] as const

export const DESK: LimitGroup = {
  title: "Operators' logs",
  limits: [
    {
      what: 'a note or a summary',
      per: 'request',
      amount: characters(LIMITS.contentLength),
      then: '`INVALID_FORMAT`',
      test: REFUSED,
    },
    {
      what: 'operators mentioned in a note',
      per: 'request',
      amount: count(DESK_LIMITS.mentions),
      then: '`INVALID_FORMAT`',
      test: REFUSED,
    },
    {
      what: 'tags',
      per: 'session',
      amount: count(DESK_LIMITS.tags),
      then: '`INVALID_FORMAT`',
      test: REFUSED,
    },
    {
      what: 'known tags, and the length of each',
      per: 'site',
      amount: `${count(MAX_KNOWN_TAGS)} of ${characters(DESK_LIMITS.tagLength)}`,
      then: 'the start is refused',
      test: ['shared/kit/src/settings/desk-settings.test.ts', 'refuses %s'],
    },
    {
      what: 'an unsent text, one for each operator and session',
      per: 'draft',
      amount: characters(LIMITS.contentLength),
      then: '`INVALID_FORMAT`',
      test: [GATEWAY, 'over its length is refused'],
    },
    {
      what: 'desks that are followed, the latest ones',
      per: 'connection',
      amount: count(MAX_DESKS_PER_SOCKET),
      then: 'the oldest one is no longer told',
      test: [
        GATEWAY,
        'is followed by one socket for so many sessions, the latest ones',
        'MAX_DESKS_PER_SOCKET',
      ],
    },
  ],
}
