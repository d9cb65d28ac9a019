import { PER_MESSAGE } from '../../../services/gateway/src/edge/rate-guard.ts'
import { HELD, UNREAD_MS } from '../../../services/gateway/src/http/held-responses.ts'
import { TRANSCRIPT_PAGE } from '../../../services/gateway/src/http/handlers/transcript.ts'
import { STOP_MS } from '../../../services/gateway/src/start.ts'
import { characters, count, inMinute, ofSetting, time, type LimitGroup } from './limit.ts'

const DOWNLOADS = 'tests/integration/limits-downloads.test.ts'
const REFUSED = 'refused with `TOO_MANY_REQUESTS` and a time to wait'
const { downloads, reads } = HELD

export const RESPONSES: LimitGroup = {
  title: 'Responses over HTTP',
  limits: [
    {
      what: 'time in which no byte of a response is taken: pages, files, history, transcripts',
      per: 'request',
      amount: time(UNREAD_MS),
      then: 'the connection is closed',
      test: [
        DOWNLOADS,
        'are ended when nothing of them is taken, whatever they are',
        'toBeGreaterThan(25_000)',
      ],
    },
    {
      what: 'transcripts at once, on each gateway',
      per: 'user',
      amount: count(downloads.caps.user),
      then: REFUSED,
      test: [DOWNLOADS, 'are two of a user, whatever address they come from'],
    },
    {
      what: 'transcripts at once, on each gateway',
      per: 'address',
      amount: count(downloads.caps.address),
      then: REFUSED,
      test: [DOWNLOADS, 'are four of an address, whoever asks, and of a network of IPv6'],
    },
    {
      what: 'transcripts at once',
      per: 'process',
      amount: count(downloads.caps.process),
      then: REFUSED,
      test: [DOWNLOADS, 'are 16 of a process, and new ones are served when they have gone'],
    },
    {
      what: 'transcripts of visitors at once, on each gateway',
      per: 'address',
      amount: `${count(downloads.caps.visitors.address)}; ${count(downloads.caps.visitors.process)} a process`,
      then: `${REFUSED}; a user with a token is served`,
      test: [DOWNLOADS, 'are never all held by visitors, and users find a place'],
    },
    {
      what: 'time of a transcript',
      per: 'download',
      amount: time(downloads.maxMs),
      then: 'the connection is closed',
      test: [
        'services/gateway/src/http/held-responses.test.ts',
        'is ended after its time, however slowly it is taken',
      ],
    },
    {
      what: 'part of the log that a transcript reads at a time',
      per: 'download',
      amount: `${count(TRANSCRIPT_PAGE.limit)} entries, ${characters(TRANSCRIPT_PAGE.maxLength)}`,
      then: 'it reads on when the client has taken that',
      test: [
        DOWNLOADS,
        'is read page by page, as fast as it is taken and by its length',
        'toBeLessThan(ENTRIES)',
      ],
    },
    {
      what: 'text and entries that transcripts bring, over all gateways',
      per: 'user',
      amount: `as much as reads bring, with points of their own: ${inMinute(ofSetting('RATE_LIMIT', PER_MESSAGE.read))}`,
      then: 'the transcript waits for new points; other reads go on',
      test: ['tests/integration/read-cost.test.ts', 'keeps %s from nothing else, on no gateway'],
    },
    {
      what: 'reads at once, on each gateway',
      per: 'user',
      amount: `${count(reads.caps.user)}; ${count(reads.caps.address)} an address, ${count(reads.caps.process)} a process (visitors ${count(reads.caps.visitors.address)} and ${count(reads.caps.visitors.process)}), ${time(reads.maxMs)} each`,
      then: REFUSED,
      test: [DOWNLOADS, 'are 16 of a user, and other requests go on'],
    },
    {
      what: 'time for responses when the process ends',
      per: 'process',
      amount: time(STOP_MS),
      then: 'their connections are closed',
      test: [DOWNLOADS, 'do not hold up the end of the process', '15_000'],
    },
  ],
}
