import { LIMITS } from '@chatbox/contract'
import { ANSWER_TIMEOUT_MS } from '../../../services/gateway/src/edge/calls.ts'
import {
  LENGTH_PER_ENTRY,
  LENGTH_PER_POINT,
  PER_ADDRESS,
  PER_MESSAGE,
  RENEWALS,
} from '../../../services/gateway/src/edge/rate-guard.ts'
import { MAX_BODY_BYTES } from '../../../services/gateway/src/http/api.ts'
import { PAGE_TEXT_LENGTH } from '../../../services/gateway/src/usecases/session/read-session.ts'
import { bytes, characters, count, inMinute, ofSetting, time, type LimitGroup } from './limit.ts'

const RATES = [
  'tests/integration/gateway-rates.test.ts',
  'are refused with a time to wait, on every gateway together',
] as const
const BUDGETS = 'tests/integration/gateway-budgets.test.ts'
const PAYLOADS = [
  'tests/integration/gateway-payloads.test.ts',
  '%s %j: one INVALID_FORMAT that names %s',
] as const
const REFUSED = 'refused with `TOO_MANY_REQUESTS` and a time to wait'

export const CALLS: LimitGroup = {
  title: 'Events and requests',
  limits: [
    {
      what: 'messages and retries, over all gateways',
      per: 'user',
      amount: inMinute(ofSetting('RATE_LIMIT')),
      then: REFUSED,
      test: RATES,
    },
    {
      what: 'other changes (new session, end, model, stop, token)',
      per: 'user',
      amount: inMinute(ofSetting('RATE_LIMIT', PER_MESSAGE.write)),
      then: REFUSED,
      test: ['tests/integration/limits-requests.test.ts', 'changes of a user'],
    },
    {
      what: 'reads',
      per: 'user',
      amount: inMinute(ofSetting('RATE_LIMIT', PER_MESSAGE.read)),
      then: REFUSED,
      test: [
        'tests/integration/gateway-http-refusals.test.ts',
        'refuse with Retry-After, by user where there is a token',
      ],
    },
    {
      what: 'text and entries that reads bring',
      per: 'user',
      amount: `one read more for ${characters(LENGTH_PER_POINT)}; an entry counts as ${count(LENGTH_PER_ENTRY)}`,
      then: 'the next read is refused',
      test: [
        'tests/integration/read-cost.test.ts',
        'is two points more for 200,000 characters: %s',
        '200,000 characters',
      ],
    },
    {
      what: 'signals (typing, read) and unknown events',
      per: 'user',
      amount: inMinute(ofSetting('RATE_LIMIT', PER_MESSAGE.signal)),
      then: REFUSED,
      test: RATES,
    },
    {
      what: 'messages and retries of a visitor, and the other calls in the same proportion',
      per: 'visitor',
      amount: inMinute(ofSetting('VISITOR_RATE_LIMIT')),
      then: REFUSED,
      test: [BUDGETS, 'have fewer calls a minute than users that a site vouches for'],
    },
    {
      what: 'new visitors, over all gateways',
      per: 'address',
      amount: inMinute(ofSetting('NEW_VISITORS_PER_ADDRESS')),
      then: REFUSED,
      test: [
        BUDGETS,
        'become only a few new ones of one address, over two gateways; known ones come back',
      ],
    },
    {
      what: 'new tokens of a visitor who comes back',
      per: 'visitor',
      amount: inMinute(RENEWALS),
      then: REFUSED,
      test: [
        'tests/integration/limits-requests.test.ts',
        'new tokens of a visitor who comes back, and nobody beside them',
      ],
    },
    {
      what: 'requests without a token',
      per: 'address',
      amount: inMinute(PER_ADDRESS.public),
      then: REFUSED,
      test: [
        'tests/integration/gateway-http-refusals.test.ts',
        'count by the address that a trusted proxy names, and believe nobody else',
      ],
    },
    {
      what: 'time to answer',
      per: 'request',
      amount: time(ANSWER_TIMEOUT_MS),
      then: 'answered with `UNAVAILABLE`; work that has begun is not undone',
      test: ['tests/integration/gateway-slow-store.test.ts', 'costs a request 3 s in all'],
    },
    {
      what: 'body',
      per: 'request',
      amount: bytes(MAX_BODY_BYTES),
      then: 'refused with 413 and `INVALID_FORMAT`',
      test: ['tests/integration/gateway-http-refusals.test.ts', 'a body of %s', 'repeat(20_000)'],
    },
    {
      what: 'a message of a person',
      per: 'request',
      amount: characters(LIMITS.contentLength),
      then: 'refused with `INVALID_FORMAT`',
      test: PAYLOADS,
    },
    {
      what: 'a token',
      per: 'request',
      amount: characters(LIMITS.tokenLength),
      then: 'refused as a bad token',
      test: [...PAYLOADS, 'repeat(9000)'],
    },
    {
      what: 'entries that one read asks for',
      per: 'page of a log',
      amount: `${count(LIMITS.historyPage)} (${count(LIMITS.historyPageDefault)} where it does not say)`,
      then: 'refused with `INVALID_FORMAT`',
      test: PAYLOADS,
    },
    {
      what: 'text that one read answers',
      per: 'page of a log',
      amount: characters(PAGE_TEXT_LENGTH),
      then: 'the page ends before the entry that does not fit, and says that there is more',
      test: [
        'tests/integration/gateway-sessions.test.ts',
        'answers pages: the latest, those after and those before, and cuts long ones',
        'repeat(10_000)',
      ],
    },
  ],
}
