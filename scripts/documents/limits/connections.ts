import { readSettings } from '@chatbox/kit'
import {
  FETCH_TIMEOUT_MS,
  MAX_SET_LENGTH,
  REST_MS,
} from '../../../services/gateway/src/auth/key-set.ts'
import { HANDSHAKES, PER_ADDRESS } from '../../../services/gateway/src/edge/rate-guard.ts'
import { MAX_TALLIES } from '../../../services/gateway/src/edge/security-events.ts'
import {
  MAX_SLOW_REFUSALS,
  SLOW_REFUSAL_MS,
} from '../../../services/gateway/src/edge/slow-refusals.ts'
import { REQUEST_BOUNDS, SPARE_CONNECTIONS } from '../../../services/gateway/src/start.ts'
import {
  EARLY_FRAMES,
  REFUSALS,
  toInboundRules,
} from '../../../services/gateway/src/ws/engine/allowances.ts'
import {
  HARD_LIMIT_BYTES,
  SOFT_LIMIT_BYTES,
} from '../../../services/gateway/src/ws/connection/outbound.ts'
import {
  FLOOD_PAUSE_MS,
  MAX_IN_FLIGHT,
} from '../../../services/gateway/src/ws/connection/served-socket.ts'
import { BOUNDS, HANDSHAKE_MS } from '../../../services/gateway/src/ws/engine/chat-engine.ts'
import { MAX_SESSIONS_PER_SOCKET } from '../../../services/gateway/src/ws/rooms/session-rooms.ts'
import { MAX_CONNECTIONS as MAX_MANAGEMENT } from '../../../shared/kit/src/health/management-server.ts'
import { bytes, count, inMinute, ofSetting, time, type LimitGroup } from './limit.ts'

const ADDRESSES = 'tests/integration/gateway-addresses.test.ts'
const FLOODS = 'tests/integration/gateway-floods.test.ts'
/** With the default settings, of which it is made. */
const INBOUND = toInboundRules(readSettings({}).limits)

const EACH = 'for all connections to a gateway together'
const FLOOD_ENDS = `the socket is closed with a time to wait, and that gateway refuses the user's handshakes for ${time(FLOOD_PAUSE_MS)}`

export const CONNECTIONS: LimitGroup = {
  title: 'Connections',
  limits: [
    {
      what: 'sockets',
      per: 'process',
      amount: ofSetting('MAX_CONNECTIONS'),
      then: 'the upgrade is refused with `CONNECTION_LIMIT`',
      test: ['tests/integration/gateway-handshake.test.ts', 'holds for one gateway'],
    },
    {
      what: 'sockets, over all gateways',
      per: 'user',
      amount: ofSetting('MAX_CONNECTIONS_PER_USER'),
      then: 'the handshake is refused with `CONNECTION_LIMIT`',
      test: [
        'tests/integration/gateway-handshake.test.ts',
        'holds for one user, over all gateways, and again once one has left',
      ],
    },
    {
      what: 'sockets, on each gateway',
      per: 'address',
      amount: `${ofSetting('MAX_CONNECTIONS_PER_ADDRESS')}, at most four fifths of the process`,
      then: 'the upgrade is refused with `CONNECTION_LIMIT`',
      test: [ADDRESSES, 'are limited on each gateway, and another address connects at once'],
    },
    {
      what: 'sockets of visitors, in percent of those of the process and of the address',
      per: 'process',
      amount: ofSetting('VISITOR_CONNECTIONS'),
      then: 'the next visitor is refused with `CONNECTION_LIMIT`, a user with a token comes in',
      test: [ADDRESSES, 'have a share of a process, and users always find a place'],
    },
    {
      what: 'new sockets, over all gateways',
      per: 'address',
      amount: inMinute(ofSetting('HANDSHAKES_PER_ADDRESS')),
      then: 'refused with `TOO_MANY_REQUESTS`',
      test: [ADDRESSES, 'are limited over all gateways, and those of another address are not'],
    },
    {
      what: 'frames of any kind, before they are parsed; a message in fragments counts once, when it is whole',
      per: 'user',
      amount: `${count(INBOUND.frames.capacity)} at once, ${count(INBOUND.frames.perSecond)} a second, ${EACH}`,
      then: FLOOD_ENDS,
      test: [FLOODS, 'goes on with the %s that are left', "many('3', 3000)"],
    },
    {
      what: 'bytes of all frames',
      per: 'user',
      amount: `${bytes(INBOUND.bytes.capacity)} at once and again in each minute, ${EACH}`,
      then: FLOOD_ENDS,
      test: [FLOODS, 'goes on with the %s that are left', 'repeat(60_000)'],
    },
    {
      what: 'refusals by rate or by events that run at once',
      per: 'user',
      amount: `${count(REFUSALS.capacity)} at once, ${count(REFUSALS.perSecond)} a second, ${EACH}`,
      then: FLOOD_ENDS,
      test: [FLOODS, 'has as many refusals left as before'],
    },
    {
      what: 'frames before the end of the handshake',
      per: 'connection',
      amount: `${count(EARLY_FRAMES)}, of \`MAX_MESSAGE_SIZE\` in all`,
      then: 'the connection is closed at once',
      test: [FLOODS, 'is closed before it has said who it is, each time after a few frames'],
    },
    {
      what: 'time of a handshake',
      per: 'connection',
      amount: time(HANDSHAKE_MS),
      then: 'the connection is closed',
      test: [ADDRESSES, 'is closed after 10 s'],
    },
    {
      what: 'connections in their handshake',
      per: 'process',
      amount: 'all free places, of the process and of the address',
      then: 'for the next connection, the one that has waited longest is closed, of the address if that is full',
      test: [
        'services/gateway/src/ws/engine/socket-places.test.ts',
        'closes the one that waits longest, of the address if that is what is full',
        'maxConnectionsPerAddress: 3',
      ],
    },
    {
      what: 'connections besides the sockets; not counted by address (see [operations.md](operations.md#who-gets-a-connection))',
      per: 'process',
      amount: count(SPARE_CONNECTIONS),
      then: 'the next connection is closed at once',
      test: [
        'tests/integration/limits-requests.test.ts',
        'connections besides the sockets',
        'length: 1003',
      ],
    },
    {
      what: 'handshakes',
      per: 'user',
      amount: inMinute(HANDSHAKES),
      then: 'refused with `TOO_MANY_REQUESTS`',
      test: ['tests/integration/limits-requests.test.ts', 'handshakes of a user'],
    },
    {
      what: 'refused tokens, in handshakes and over HTTP',
      per: 'address',
      amount: inMinute(PER_ADDRESS.refused),
      then: 'the next bad token gets `TOO_MANY_REQUESTS`, a good one comes in',
      test: [
        'tests/integration/gateway-refused-tokens.test.ts',
        'are limited by address, while good ones of the same address come in',
      ],
    },
    {
      what: 'answers to refused tokens beyond that, which wait',
      per: 'process',
      amount: `${count(MAX_SLOW_REFUSALS)} at once, ${time(SLOW_REFUSAL_MS)} each`,
      then: 'the next answer does not wait',
      test: [
        'tests/integration/gateway-refused-tokens.test.ts',
        'are limited by address, while good ones of the same address come in',
      ],
    },
    {
      what: 'lines of security events',
      per: 'process',
      amount: inMinute(MAX_TALLIES),
      then: 'further addresses share one line of their kind',
      test: [
        'services/gateway/src/edge/security-events.test.ts',
        'hold a bounded number of addresses and users, and lose no count',
        'toHaveLength(1002)',
      ],
    },
    {
      what: 'connections to the management port',
      per: 'process',
      amount: count(MAX_MANAGEMENT),
      then: 'the next connection is closed at once',
      test: [
        'shared/kit/src/health/management-server.test.ts',
        'takes 100 connections, and closes the next ones at once',
      ],
    },
    {
      what: 'expired tokens, in handshakes and over HTTP',
      per: 'address',
      amount: inMinute(ofSetting('HANDSHAKES_PER_ADDRESS')),
      then: 'the next expired token gets `TOO_MANY_REQUESTS`',
      test: [
        'tests/integration/gateway-refused-tokens.test.ts',
        'count apart where they were good once: an office wakes up all at once',
      ],
    },
    {
      what: 'one message on a socket',
      per: 'connection',
      amount: ofSetting('MAX_MESSAGE_SIZE'),
      then: 'the socket is closed with code 1009',
      test: [
        'tests/integration/gateway-frames.test.ts',
        '%s: that socket is closed, no other is touched',
        'repeat(70_000)',
      ],
    },
    {
      what: 'fragments of one message',
      per: 'connection',
      amount: count(BOUNDS.maxFragments),
      then: 'the socket is closed with code 1008',
      test: [
        'tests/integration/gateway-frames.test.ts',
        '%s: that socket is closed, no other is touched',
      ],
    },
    {
      what: 'events that run at once',
      per: 'connection',
      amount: count(MAX_IN_FLIGHT),
      then: 'the next event is refused with `TOO_MANY_REQUESTS`',
      test: [
        'tests/integration/gateway-rates.test.ts',
        'at the same time on one socket are refused before they reach anything',
      ],
    },
    {
      what: 'open sessions',
      per: 'connection',
      amount: count(MAX_SESSIONS_PER_SOCKET),
      then: 'the session that was opened first is left',
      test: [
        'services/gateway/src/ws/rooms/session-rooms.test.ts',
        'keeps 50 sessions of one socket, the latest ones',
      ],
    },
    {
      what: 'bytes that wait for a client that reads slowly',
      per: 'connection',
      amount: bytes(SOFT_LIMIT_BYTES),
      then: 'it gets no more deltas and catches up from the log',
      test: [
        'tests/integration/gateway-connections.test.ts',
        'gets no more deltas, is closed at the limit, and hurts nobody',
        'repeat(20_000)',
      ],
    },
    {
      what: 'bytes that wait, besides the longest message',
      per: 'connection',
      amount: bytes(HARD_LIMIT_BYTES),
      then: 'the socket is closed',
      test: [
        'tests/integration/gateway-connections.test.ts',
        'gets no more deltas, is closed at the limit, and hurts nobody',
      ],
    },
    {
      what: 'the headers of a request: time',
      per: 'request',
      amount: time(REQUEST_BOUNDS.headersTimeout),
      then: 'the connection is closed',
      test: [
        'tests/integration/gateway-connections.test.ts',
        'closes a connection that is slow with its request',
      ],
    },
    {
      what: 'the headers of a request: length',
      per: 'request',
      amount: bytes(REQUEST_BOUNDS.maxHeaderSize),
      then: 'answered with 431, and the connection is closed',
      test: ['tests/integration/limits-requests.test.ts', 'headers of a request', 'repeat(17_000)'],
    },
    {
      what: 'a whole request: time',
      per: 'request',
      amount: time(REQUEST_BOUNDS.requestTimeout),
      then: 'answered with 408, and the connection is closed',
      test: ['tests/integration/limits-requests.test.ts', 'time of a request'],
    },
    {
      what: "fetches of the issuer's keys",
      per: 'process',
      amount: `one in ${time(REST_MS)}`,
      then: 'a token with an unknown key is refused with the keys that are known',
      test: [
        'services/gateway/src/auth/key-set.test.ts',
        'fetches at most once in half a minute, whatever names are made up',
      ],
    },
    {
      what: "length and time of the issuer's keys",
      per: 'key set',
      amount: `${bytes(MAX_SET_LENGTH)} and ${time(FETCH_TIMEOUT_MS)}`,
      then: 'tokens get `UNAVAILABLE` until a fetch succeeds',
      test: [
        'services/gateway/src/auth/key-set.test.ts',
        'cannot be checked where the set answers with %s',
        'repeat(300_000)',
      ],
    },
  ],
}
