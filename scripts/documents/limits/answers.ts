import { LIMITS } from '@chatbox/contract'
import { DRAFT_LIMITS } from '@chatbox/core'
import { LONGEST_WAIT_MS } from '../../../services/gateway/src/usecases/message/check-line.ts'
import { MAX_PAGES } from '../../../services/worker/src/answer/prepare-request.ts'
import { TIMING } from '../../../services/worker/src/context.ts'
import { MAX_EVENT_LENGTH } from '../../../services/worker/src/models/transport/event-stream.ts'
import { SHARE } from '../../../shared/adapters/src/common/slot-shares.ts'
import { LEAST_HELD } from '../../../shared/adapters/src/redis/queue/held-jobs.ts'
import { bytes, characters, count, ofSetting, time, type LimitGroup } from './limit.ts'

const BUDGETS = 'tests/integration/gateway-budgets.test.ts'
const ANSWERS = 'tests/integration/worker-answers.test.ts'

export const ANSWERED: LimitGroup = {
  title: 'Answers',
  limits: [
    {
      what: 'replies that are written at once',
      per: 'process',
      amount: ofSetting('LLM_CONCURRENCY'),
      then: 'the next questions wait in the queue',
      test: [
        'tests/contract/job-queue.contract.ts',
        'runs at most as many jobs at once as it was told',
        'concurrency: 4',
      ],
    },
    {
      what: 'replies to one lane that are written at once: a user, or all visitors of an address',
      per: 'process',
      amount: `${count(SHARE)} for each place that is free, so ${count(SHARE)} of ${count(SHARE + 1)} places where no other lane asks`,
      then: 'its next questions wait and take turns with those of other lanes, whose first begins at once',
      test: [
        'tests/contract/job-queue.lanes.contract.ts',
        'find a free place while another lane has jobs that take for ever',
      ],
    },
    {
      what: 'jobs that a worker holds for lanes with enough places',
      per: 'process',
      amount: `${count(LEAST_HELD)}, or as many as it has places (\`LLM_CONCURRENCY\`)`,
      then: 'it fetches no more until a place is free',
      test: [
        'shared/adapters/src/redis/queue/held-jobs.test.ts',
        'with %d places fetches at most %d more',
        '[LEAST_HELD, LEAST_HELD]',
      ],
    },
    {
      what: 'the line of visitors, as a time to wait',
      per: 'address',
      amount: time(LONGEST_WAIT_MS),
      then: 'the next question is refused with `TOO_MANY_REQUESTS` and a time, before it is stored',
      test: [
        'services/gateway/src/usecases/message/check-line.test.ts',
        'of %p ms refuses a visitor for %p ms',
      ],
    },
    {
      what: 'tokens of all answers in a day (UTC); `BUDGET_USER_COST` limits what they cost',
      per: 'user',
      amount: ofSetting('BUDGET_USER_TOKENS'),
      then: 'the next question is refused with `BUDGET_EXCEEDED`, which says when it goes on',
      test: [BUDGETS, 'refuses on every socket of a user, and on every gateway'],
    },
    {
      what: 'tokens of all answers to visitors in a day; `BUDGET_ADDRESS_COST` limits the cost',
      per: 'address',
      amount: ofSetting('BUDGET_ADDRESS_TOKENS'),
      then: 'the next question is refused with `BUDGET_EXCEEDED`',
      test: [
        BUDGETS,
        'of an address refuses every visitor of it, and nobody of another',
        'addressTokens: 2000',
      ],
    },
    {
      what: 'tokens of all answers in a day; `BUDGET_SITE_COST` limits the cost',
      per: 'site',
      amount: ofSetting('BUDGET_SITE_TOKENS'),
      then: 'no question is answered, and the page says when it goes on',
      test: [
        'tests/integration/worker-budgets.test.ts',
        'of the %s ends a question as a failed answer that says when to go on',
      ],
    },
    {
      what: 'silence before the first word',
      per: 'reply',
      amount: ofSetting('LLM_FIRST_TOKEN_TIMEOUT'),
      then: 'the attempt ends with `LLM_TIMEOUT`',
      test: [
        'tests/contract/llm-http.contract.ts',
        'says LLM_TIMEOUT when nothing comes, before the headers and after them',
        'firstTokenMs: 60',
      ],
    },
    {
      what: 'time of all attempts together',
      per: 'reply',
      amount: ofSetting('LLM_STREAM_TIMEOUT'),
      then: 'the reply ends as `incomplete`, or as `failed` without text',
      test: [ANSWERS, 'that never ends is ended when the time is over', 'replyTimeoutMs: 100'],
    },
    {
      what: 'requests to the provider',
      per: 'reply',
      amount: count(TIMING.maxTries),
      then: 'the reply fails with a retry button',
      test: [ANSWERS, 'ends in a failed reply after the third try'],
    },
    {
      what: 'a pause that a provider asks for',
      per: 'reply',
      amount: time(TIMING.maxRetryAfterMs),
      then: 'the reply fails at once',
      test: [ANSWERS, 'that asks for too long a pause is not waited for', '60_000'],
    },
    {
      what: 'text of a reply',
      per: 'reply',
      amount: characters(LIMITS.replyLength),
      then: 'the rest is dropped, and the reply ends as `incomplete`',
      test: [ANSWERS, 'that never stops talking is cut at the longest message there is'],
    },
    {
      what: 'one event of a provider',
      per: 'reply',
      amount: characters(MAX_EVENT_LENGTH),
      then: 'the attempt ends with `LLM_TRUNCATED`',
      test: [
        'tests/contract/llm-streams.test.ts',
        'ends visibly at an event over the cap, without holding it',
        'toBeLessThan(12)',
      ],
    },
    {
      what: 'pages of the log that are read for a prompt',
      per: 'reply',
      amount: count(MAX_PAGES),
      then: 'older entries are not sent to the model',
      test: [
        'services/worker/src/answer/prepare-request.test.ts',
        'has an end, however little the entries hold',
        'createLog(3000',
      ],
    },
    {
      what: 'text of a draft in Redis or in memory',
      per: 'draft',
      amount: bytes(DRAFT_LIMITS.bytes),
      then: 'the draft is dropped; viewers who join later wait for the whole reply',
      test: [
        'tests/contract/event-bus.contract.ts',
        'keeps a draft of many small deltas, and gives up on one that is too long',
        'repeat(100_000)',
      ],
    },
  ],
}
