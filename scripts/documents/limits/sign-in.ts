import { MAX_REVOCATIONS, REFRESH_MS } from '../../../services/gateway/src/auth/revocation-copy.ts'
import {
  PER_ADDRESS,
  SIGN_IN_MAILS,
  SIGN_IN_MAILS_MS,
} from '../../../services/gateway/src/edge/rate-guard.ts'
import { LINK_TTL_MS } from '../../../services/gateway/src/auth/operators/sign-in-tickets.ts'
import { count, inMinute, ofSetting, time, type LimitGroup } from './limit.ts'

const SIGN_IN = 'tests/integration/gateway-sign-in.test.ts'
const TOKEN = 'tests/integration/gateway-operator-token.test.ts'
const REVOCATIONS = 'tests/integration/gateway-revocations.test.ts'
const REFUSED = 'refused with `TOO_MANY_REQUESTS` and a time to wait'

export const SIGN_INS: LimitGroup = {
  title: 'Sign-in of operators',
  limits: [
    {
      what: 'sign-ins that are begun, over all gateways',
      per: 'address',
      amount: inMinute(PER_ADDRESS.signIn),
      then: REFUSED,
      test: [SIGN_IN, 'is begun only so often from one address, over two gateways'],
    },
    {
      what: 'sign-in links, over all gateways, known or not',
      per: 'mail address',
      amount: `${SIGN_IN_MAILS} in ${time(SIGN_IN_MAILS_MS)}`,
      then: REFUSED,
      test: [SIGN_IN, 'gives no hint whether an address is known, and counts both alike'],
    },
    {
      what: 'life of a sign-in link, which works once',
      per: 'user',
      amount: time(LINK_TTL_MS),
      then: 'refused, with the way to ask for another one',
      test: [
        SIGN_IN,
        'is refused late, unknown or malformed, each with what to do',
        'makeLink(OLGA, 1)',
      ],
    },
    {
      what: 'life of a sign-in, over all its renewals',
      per: 'user',
      amount: ofSetting('OPERATOR_SESSION'),
      then: 'the renewal is refused with `UNAUTHORIZED`',
      test: [TOKEN, 'is renewed no longer than a sign-in lasts', 'sessionMs + 1'],
    },
    {
      what: 'revocations that stand at once',
      per: 'site',
      amount: count(MAX_REVOCATIONS),
      then: 'the next one is refused with `CONFLICT`',
      test: [
        'services/gateway/src/auth/revocation-copy.test.ts',
        'refuses one more than it holds, but not another moment for one of them',
        'MAX_REVOCATIONS',
      ],
    },
    {
      what: "age of a gateway's copy of the revocations, while the store answers",
      per: 'process',
      amount: `${time(REFRESH_MS)} and one read`,
      then: 'while the store is away, as old as the outage; before the first read no token is accepted',
      test: [REVOCATIONS, 'accepts no token until it has', 'CLOSED_WITHIN_MS'],
    },
  ],
}
