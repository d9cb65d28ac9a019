import { duration, integer } from '../settings/setting-types.ts'
import { setting, type SettingGroup } from '../settings/setting.ts'
import { quietHours, timeZone } from './alert-setting-types.ts'

const WORKER = ['standalone', 'worker'] as const

/** When people are told, and how often at most. */
export const ALERT_RULE_SETTINGS = {
  delayMs: setting('ALERT_DELAY', duration('0s', '1h'), {
    default: '30s',
    about:
      'How long the operators at the console have before a mail, a post and a webhook tell others that a visitor waits.',
    usedBy: WORKER,
  }),
  escalateAfterMs: setting('ALERT_ESCALATE_AFTER', duration('0s', '24h'), {
    default: '5m',
    about: 'How long a visitor waits for a person before text messages say so.',
    usedBy: WORKER,
  }),
  groupMs: setting('ALERT_GROUP_WINDOW', duration('0s', '24h'), {
    default: '5m',
    about:
      'How far apart messages of one kind are. What comes in between waits and is told in one message. `0s`: each has a message of its own.',
    usedBy: WORKER,
  }),
  cap: setting('ALERT_CAP', integer(1, 500), {
    default: '20',
    about:
      'The most messages of one kind to one recipient in an hour. One more says that it is the last.',
    usedBy: WORKER,
  }),
  quietHours: setting('ALERT_QUIET_HOURS', quietHours(), {
    otherwise: () => [],
    defaultNote: 'none',
    about:
      'When only critical alerts go out, such as `22:00-07:00,12:30-13:00`. The others wait until the end, and go if they still have a reason.',
    usedBy: WORKER,
  }),
  timeZone: setting('ALERT_TIME_ZONE', timeZone(), {
    default: 'UTC',
    about: 'The time zone of `ALERT_QUIET_HOURS`, such as `Europe/Berlin`.',
    usedBy: WORKER,
  }),
} satisfies SettingGroup
