import {
  MAX_AGE_MS,
  MAX_CHARACTERS,
  MAX_MESSAGES as MAX_UNSENT,
} from '../../../web/client/src/outbox/outbox.ts'
import { MAX_ASKS } from '../../../web/client/src/session/draft.ts'
import { MAX_AHEAD, MAX_MESSAGES } from '../../../web/client/src/session/session-log.ts'
import { MAX_ASKING, MAX_VIEWS } from '../../../web/client/src/session/session-views.ts'
import { characters, count, time, type LimitGroup } from './limit.ts'

const OUTBOX = 'web/client/src/outbox/outbox.test.ts'
const LOG = 'web/client/src/session/session-log.test.ts'
const VIEWS = 'web/client/src/session/session-views.test.ts'

export const PAGE: LimitGroup = {
  title: 'The page',
  limits: [
    {
      what: 'messages that wait to be sent',
      per: 'browser tab',
      amount: `${count(MAX_UNSENT)}, ${characters(MAX_CHARACTERS)} in all`,
      then: 'the next message stays in the box',
      test: [OUTBOX, 'is full at 50 messages or 200,000 characters'],
    },
    {
      what: 'age of a message that waits to be sent',
      per: 'browser tab',
      amount: time(MAX_AGE_MS),
      then: 'it is forgotten',
      test: [OUTBOX, 'keeps nothing that is a week old in the storage, whoever wrote it'],
    },
    {
      what: 'entries of a log that are shown',
      per: 'session',
      amount: count(MAX_MESSAGES),
      then: 'the oldest are read again when the reader scrolls there',
      test: [LOG, 'keeps the latest 10,000 entries, and says that there are older ones'],
    },
    {
      what: 'entries that came before the ones they follow',
      per: 'session',
      amount: count(MAX_AHEAD),
      then: 'later ones are dropped and read again',
      test: [LOG, 'keeps a bounded number of what came too early, the next ones'],
    },
    {
      what: 'requests for a missing delta',
      per: 'draft',
      amount: count(MAX_ASKS),
      then: 'the text waits for the final message',
      test: [LOG, 'asks a few times for a missing delta and then waits for the final message'],
    },
    {
      what: 'open sessions',
      per: 'connection',
      amount: count(MAX_VIEWS),
      then: 'the next one is refused before the server is asked',
      test: [
        VIEWS,
        'opens more while others catch up, and refuses one more than fifty before it asks',
        'fifty',
      ],
    },
    {
      what: 'sessions that catch up at once',
      per: 'connection',
      amount: count(MAX_ASKING),
      then: 'the others wait for their turn',
      test: [VIEWS, 'catches all of them up after a gap, and at most four at once ask for it'],
    },
  ],
}
