import type { Session } from '@chatbox/contract'
import type { ChannelKind } from '../ports/alerts/alert-channel.ts'
import type { Alert } from '../ports/alerts/alerts.ts'

export interface AlertRule {
  /** Who is told. The operators who are online see all of it in the console at once. */
  channels: readonly ChannelKind[]
  /** Which of the two settings it waits for. */
  waits: 'not' | 'delay' | 'escalation'
  /** Critical alerts pass quiet hours, and have no group to wait for. */
  isCritical: boolean
  /** In words, for one occurrence and for several. */
  toSubject: (count: number, about: string | undefined) => string
}

const CONSOLE_ONCE: readonly ChannelKind[] = ['mail', 'chat', 'teams', 'webhook']

/** Every reason for an alert. */
export const ALERT_RULES = {
  'help.requested': {
    channels: CONSOLE_ONCE,
    waits: 'delay',
    isCritical: false,
    toSubject: (count) =>
      count > 1 ? `${count} visitors ask for a person` : 'A visitor asks for a person',
  },
  'help.unanswered': {
    channels: ['sms', 'webhook'],
    waits: 'escalation',
    isCritical: false,
    toSubject: (count) =>
      count > 1 ? `${count} visitors wait for a person` : 'A visitor still waits for a person',
  },
  'reply.unread': {
    channels: CONSOLE_ONCE,
    waits: 'delay',
    isCritical: false,
    toSubject: (count) =>
      count > 1
        ? `${count} visitors wrote while their operators are away`
        : 'A visitor wrote while the operator is away',
  },
  'model.failing': {
    channels: CONSOLE_ONCE,
    waits: 'not',
    isCritical: true,
    toSubject: (_count, about) => `The model ${about ?? ''} keeps failing`,
  },
  'jobs.behind': {
    channels: CONSOLE_ONCE,
    waits: 'not',
    isCritical: true,
    toSubject: () => 'Questions wait too long for a worker',
  },
  'backend.away': {
    channels: CONSOLE_ONCE,
    waits: 'not',
    isCritical: true,
    toSubject: (_count, about) => `The back end does not answer: ${about ?? ''}`,
  },
  'budget.near': {
    channels: CONSOLE_ONCE,
    waits: 'not',
    isCritical: false,
    toSubject: () => "80 % of a day's budget is used",
  },
  'channel.test': {
    channels: [],
    waits: 'not',
    isCritical: true,
    toSubject: () => 'This is a test of chatbox alerts',
  },
} as const satisfies Record<string, AlertRule>

export type AlertRuleName = keyof typeof ALERT_RULES

export function findAlertRule(name: string): AlertRule | undefined {
  return Object.hasOwn(ALERT_RULES, name) ? ALERT_RULES[name as AlertRuleName] : undefined
}

/** The id of the alert that an entry opens by a rule. */
export function toEntryAlertId(rule: AlertRuleName, messageId: string): string {
  return `${rule}~${messageId}`
}

/** Why an alert waits, or why nobody is told. */
export const ALERT_REASONS = [
  'delay',
  'operator is here',
  'group',
  'quiet hours',
  'retry',
  'later version',
  'taken over',
  'answered',
  'taken back',
  'session ended',
  'no channel',
  'told with another',
  'cap',
] as const
export type AlertReason = (typeof ALERT_REASONS)[number]

export interface AlertTiming {
  delayMs: number
  escalateAfterMs: number
}

/** Returns when nobody more has to be waited for. */
export function toReadyAt(
  { openedAt }: Pick<Alert, 'openedAt'>,
  { waits }: AlertRule,
  { delayMs, escalateAfterMs }: AlertTiming,
): Date {
  const waitMs = { not: 0, delay: delayMs, escalation: escalateAfterMs }[waits]
  return new Date(openedAt.getTime() + waitMs)
}

/** What an alert depends on, at one moment. */
export interface AlertSituation {
  now: Date
  /** Undefined for an alert without a session. */
  session: Session | undefined
  /** Since when the visitor waits for a word of a person. */
  isAnswered: boolean
  operatorIsHere: boolean
  /** When the quiet hours of this moment end. */
  quietUntil: Date | undefined
}

export type AlertDecision =
  | { type: 'deliver' }
  | { type: 'wait'; until: Date; reason: AlertReason }
  | { type: 'suppress'; reason: AlertReason }

/** How long until it is looked again whether an operator has gone, and for how long at most. */
const AGAIN_MS = 30_000
const LOOK_FOR_MS = 3_600_000

/**
 * Decides what to do with an alert that has not gone out: first whether anybody still has to be
 * told, then whether now.
 */
export function decideAlert(
  alert: Pick<Alert, 'rule' | 'openedAt'>,
  rule: AlertRule,
  { timing, situation }: { timing: AlertTiming; situation: AlertSituation },
): AlertDecision {
  const over = findEnd(alert, situation)
  if (over !== undefined) return { type: 'suppress', reason: over }
  const { now, quietUntil, operatorIsHere } = situation
  const readyAt = toReadyAt(alert, rule, timing)
  if (readyAt > now) return { type: 'wait', until: readyAt, reason: 'delay' }
  if (alert.rule === 'reply.unread' && operatorIsHere) {
    const isLate = now.getTime() - alert.openedAt.getTime() >= LOOK_FOR_MS
    return isLate
      ? { type: 'suppress', reason: 'operator is here' }
      : { type: 'wait', until: new Date(+now + AGAIN_MS), reason: 'operator is here' }
  }
  if (quietUntil && !rule.isCritical) {
    return { type: 'wait', until: quietUntil, reason: 'quiet hours' }
  }
  return { type: 'deliver' }
}

/** Returns why nobody has to be told any more. */
function findEnd(
  { rule }: Pick<Alert, 'rule'>,
  { session, isAnswered }: AlertSituation,
): AlertReason | undefined {
  if (!session) return undefined
  if (session.status === 'ended') return 'session ended'
  if (rule === 'reply.unread') return isAnswered || !session.assistedBy ? 'answered' : undefined
  if (session.assistedBy) return 'taken over'
  return session.help ? undefined : 'taken back'
}
