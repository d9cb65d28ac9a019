import {
  flag,
  identifier,
  integer,
  oneOf,
  plainText,
  secretText,
  url,
} from '../settings/setting-types.ts'
import { setting, type SettingGroup } from '../settings/setting.ts'
import { ALERT_RULE_SETTINGS } from './alert-rule-settings.ts'
import {
  mailAddresses,
  mailbox,
  phoneNumbers,
  secretUrl,
  smsSender,
  webhookSecrets,
} from './alert-setting-types.ts'

const WORKER = ['standalone', 'worker'] as const

/** The group `alerts` of the settings: the channels to people who are not at the console. */
export const ALERT_SETTINGS = {
  smtpHost: setting('SMTP_HOST', plainText('host name or IP address'), {
    defaultNote: 'no mail',
    about: 'The server that takes mail. Needs `EMAIL_FROM`.',
    usedBy: WORKER,
  }),
  smtpPort: setting('SMTP_PORT', integer(1, 65_535), {
    default: '587',
    about: 'The port of `SMTP_HOST`.',
    usedBy: WORKER,
  }),
  smtpTls: setting('SMTP_TLS', oneOf(['starttls', 'implicit', 'off']), {
    default: 'starttls',
    about:
      '`starttls` sends nothing before the connection is encrypted, `implicit` encrypts from the beginning (port 465), and `off` does not encrypt. In production `off` excludes `SMTP_PASS`, except on this machine.',
    usedBy: WORKER,
  }),
  smtpUser: setting('SMTP_USER', plainText(), {
    defaultNote: 'no sign-in',
    about: 'The user at `SMTP_HOST`. Needs `SMTP_PASS`.',
    usedBy: WORKER,
  }),
  smtpPass: setting('SMTP_PASS', secretText(), {
    defaultNote: 'no sign-in',
    about: 'The password of `SMTP_USER`.',
    usedBy: WORKER,
  }),
  mailFrom: setting('EMAIL_FROM', mailbox(), {
    defaultNote: 'none',
    about: 'The sender of every mail. Its domain is also that of the ids of mails.',
    usedBy: WORKER,
  }),
  mailTo: setting('ADMIN_EMAILS', mailAddresses(), {
    otherwise: () => [],
    defaultNote: 'nobody',
    about: 'Who gets alerts by mail, separated by commas: one mail for each. Needs `SMTP_HOST`.',
    usedBy: WORKER,
  }),
  smsEndpoint: setting('SMS_ENDPOINT', url(['https://', 'http://']), {
    default: 'https://api.twilio.com',
    about: 'The base address of Twilio or of a service with its protocol.',
    usedBy: WORKER,
  }),
  smsAccountSid: setting('SMS_ACCOUNT_SID', identifier(), {
    defaultNote: 'no text messages',
    about: 'The account at `SMS_ENDPOINT`. Needs `SMS_AUTH_TOKEN` and `SMS_FROM`.',
    usedBy: WORKER,
  }),
  smsAuthToken: setting('SMS_AUTH_TOKEN', secretText(), {
    defaultNote: 'no text messages',
    about: 'The token of the account.',
    usedBy: WORKER,
  }),
  smsFrom: setting('SMS_FROM', smsSender(), {
    defaultNote: 'no text messages',
    about: 'The sender: a number, a name of at most 11 characters, or a messaging service.',
    usedBy: WORKER,
  }),
  phones: setting('ADMIN_PHONES', phoneNumbers(), {
    otherwise: () => [],
    defaultNote: 'nobody',
    about:
      'Who gets alerts by text message, separated by commas, each number with `+` and the country. Needs `SMS_ACCOUNT_SID`.',
    usedBy: WORKER,
  }),
  webhookUrl: setting('ALERT_WEBHOOK_URL', secretUrl(), {
    defaultNote: 'no webhook',
    about:
      'The address that alerts are posted to by the Standard Webhooks specification. Needs `ALERT_WEBHOOK_SECRET`.',
    usedBy: WORKER,
  }),
  webhookSecrets: setting('ALERT_WEBHOOK_SECRET', webhookSecrets(), {
    defaultNote: 'no webhook',
    about:
      'The secret that signs posts to `ALERT_WEBHOOK_URL`: `whsec_` and the output of `openssl rand -base64 32`. To change it, give the new one and the old one until the receiver has the new one.',
    usedBy: WORKER,
  }),
  chatUrl: setting('ALERT_CHAT_URL', secretUrl(), {
    defaultNote: 'no chat',
    about:
      'An incoming webhook of Slack, Mattermost, or Discord with `/slack` at its end: alerts are posted to its channel.',
    usedBy: WORKER,
  }),
  teamsUrl: setting('ALERT_TEAMS_URL', secretUrl(), {
    defaultNote: 'no Teams',
    about: 'The address of a workflow of Teams that posts what it receives to a channel.',
    usedBy: WORKER,
  }),
  privateAddresses: setting('ALERT_PRIVATE_ADDRESSES', flag(), {
    default: 'false',
    about:
      'Lets text messages, webhooks and posts go to addresses of private networks and of this machine, for services of your own. Mail may always.',
    usedBy: WORKER,
  }),
  visitorText: setting('ALERT_VISITOR_TEXT', flag(), {
    default: 'false',
    about:
      'Lets alerts hold the words of visitors. Mailboxes and chats keep them beyond the retention of chatbox.',
    usedBy: WORKER,
  }),
  ...ALERT_RULE_SETTINGS,
} satisfies SettingGroup
