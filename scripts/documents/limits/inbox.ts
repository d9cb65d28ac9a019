import { MAX_ENDED, POLL_MS } from '../../../services/gateway/src/inbox/inbox-feed.ts'
import { MAX_ROWS } from '../../../services/gateway/src/inbox/inbox-rows.ts'
import { MAX_ROWS_AT_ONCE, ROW_EVERY_MS } from '../../../services/gateway/src/inbox/pending-rows.ts'
import { MAX_MARKS } from '../../../services/gateway/src/inbox/unread-counts.ts'
import { MAX_CATCH_UP } from '../../../services/gateway/src/usecases/inbox/follow-inbox.ts'
import { MAX_LOOKED_AT } from '../../../services/gateway/src/usecases/inbox/list-inbox.ts'
import { count, time, type LimitGroup } from './limit.ts'

const ROWS = 'services/gateway/src/inbox/inbox-rows.test.ts'
const PENDING = 'services/gateway/src/inbox/pending-rows.test.ts'
const INBOX = 'tests/integration/gateway-inbox.test.ts'
const LIMITS = 'tests/integration/inbox-limits.test.ts'

export const INBOX_LIMITS: LimitGroup = {
  title: 'Inbox of operators',
  limits: [
    {
      what: 'active sessions in the views, while an operator follows them',
      per: 'process',
      amount: count(MAX_ROWS),
      then: 'sessions that need no person are left out, the longest quiet first, and `isPartial` says so',
      test: [
        ROWS,
        'leaves out sessions that need no person where there are too many',
        'new InboxRows(3)',
      ],
    },
    {
      what: 'events about one session',
      per: 'connection',
      amount: `one in ${time(ROW_EVERY_MS)}, at most ${time(POLL_MS)} after the change`,
      then: 'the next one has the last state',
      test: [INBOX, 'is told of one session once a second at most, and then of its last state'],
    },
    {
      what: 'sessions in one event about changes',
      per: 'connection',
      amount: count(MAX_ROWS_AT_ONCE),
      then: 'the others follow in the next events',
      test: [PENDING, 'spreads a crowd over several events', 'MAX_ROWS_AT_ONCE'],
    },
    {
      what: 'changes that a console catches up with by its cursor',
      per: 'connection',
      amount: count(MAX_CATCH_UP),
      then: 'it is told to read its lists anew',
      test: [
        LIMITS,
        'tells a console that has missed too much to read its lists anew',
        'MAX_CATCH_UP',
      ],
    },
    {
      what: 'ended sessions that are counted',
      per: 'site',
      amount: count(MAX_ENDED),
      then: 'the count stays there',
      test: [
        'tests/contract/inbox.contract.ts',
        'counts the ended ones, up to a limit',
        'countEnded(2)',
      ],
    },
    {
      what: 'sessions that one call looks at for a filter',
      per: 'request',
      amount: `${count(MAX_LOOKED_AT.inMemory)} in memory, ${count(MAX_LOOKED_AT.inStore)} in the store`,
      then: 'the page is short, and `next` leads on',
      test: [
        LIMITS,
        'looks at so many sessions for a filter, and goes on in the next page',
        'MAX_LOOKED_AT.inStore',
      ],
    },
    {
      what: 'sessions whose read messages are known, the latest ones',
      per: 'user',
      amount: count(MAX_MARKS),
      then: 'in older ones that the operator no longer has, nothing counts as unread',
      test: [
        'services/gateway/src/inbox/unread-counts.test.ts',
        'knows so many sessions of an operator, the latest ones',
        'MAX_MARKS',
      ],
    },
  ],
}
