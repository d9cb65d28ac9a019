import { HTTP_TIMEOUT_MS } from '../../../services/worker/src/channels/http/http-channel.ts'
import { SMTP_TIMEOUTS } from '../../../services/worker/src/channels/mail/smtp.ts'
import {
  MAX_SUBJECT_LENGTH,
  MAX_TEXT_LENGTH,
} from '../../../services/worker/src/channels/notice.ts'
import { MAX_SMS_SEGMENTS } from '../../../services/worker/src/channels/sms/sms-text.ts'
import { characters, count, time, type LimitGroup } from './limit.ts'

const TABLE = 'tests/contract/channels/table.test.ts'
const TEMPLATES = 'services/worker/src/channels/templates.test.ts'

export const ALERTS: LimitGroup = {
  title: 'Alerts',
  limits: [
    {
      what: 'line that says what happened',
      per: 'alert',
      amount: characters(MAX_SUBJECT_LENGTH),
      then: 'it is cut, with an ellipsis',
      test: [TEMPLATES, 'the line of %j is %j'],
    },
    {
      what: 'words of a visitor',
      per: 'alert',
      amount: characters(MAX_TEXT_LENGTH),
      then: 'they are cut, with an ellipsis',
      test: [TEMPLATES, 'cuts the words of a visitor', 'repeat(1993)'],
    },
    {
      what: 'segments of a text message',
      per: 'alert',
      amount: count(MAX_SMS_SEGMENTS),
      then: 'words are cut, and the link stays',
      test: [
        'services/worker/src/channels/sms/sms-text.test.ts',
        'is cut at two segments between characters, and keeps its link whole',
      ],
    },
    {
      what: 'silence of a mail server',
      per: 'alert',
      amount: time(SMTP_TIMEOUTS.silenceMs),
      then: 'the attempt ends, and the next one has the same `Message-ID`',
      test: [TABLE, '%s', 'patienceMs: 300'],
    },
    {
      what: 'time of a text message, a webhook or a post',
      per: 'alert',
      amount: time(HTTP_TIMEOUT_MS),
      then: 'the attempt ends, to be repeated',
      test: [TABLE, '%s', 'patienceMs: 300'],
    },
  ],
}
