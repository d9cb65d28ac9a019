import {
  decideAlert,
  findAlertRule,
  toReadyAt,
  type Alert,
  type AlertDecision,
  type AlertReason,
  type AlertRule,
} from '@chatbox/core'
import type { AlertContext } from './alert-context.ts'
import { AlertLease } from './alert-lease.ts'
import { readSituation } from './read-situation.ts'
import { sendAlert } from './send-alert.ts'

/** A rule of a later version is left to a later worker. */
const LATER_MS = 60_000
/** How soon an alert looks again whether the message that tells of it has gone out. */
const TOLD_MS = 2000

/**
 * Brings a claimed alert one step further: sends it, lets it wait, or ends it. What it decides is in
 * the record before it takes effect, so that another worker goes on where this one has died.
 */
export async function deliverAlert(
  context: AlertContext,
  alert: Alert,
  signal: AbortSignal,
): Promise<void> {
  const rule = findAlertRule(alert.rule)
  const lease = new AlertLease(context, alert, signal)
  try {
    if (!rule) {
      await lease.save({ state: 'queued', reason: 'later version', dueInMs: LATER_MS })
    } else if (alert.rule === 'channel.test') await sendAlert(context, { alert, rule, lease })
    else await decide(context, { alert, rule, lease })
  } finally {
    lease.end()
  }
}

interface Step {
  alert: Alert
  rule: AlertRule
  lease: AlertLease
}

async function decide(context: AlertContext, step: Step): Promise<void> {
  const { alert, rule, lease } = step
  const situation = await readSituation(context, alert)
  const decision = decideAlert(alert, rule, { timing: context.policy, situation })
  if (decision.type === 'suppress') return suppress(context, step, decision.reason)
  if (decision.type === 'wait') return wait(lease, decision, situation.now)
  if (await mayLead(context, step, situation.now)) await sendAlert(context, step)
}

/** Somebody may have been told before there was no more need to. */
async function suppress(
  context: AlertContext,
  { alert, lease }: Step,
  reason: AlertReason,
): Promise<void> {
  const isTold = alert.deliveries.some(({ outcome }) => outcome === 'delivered')
  await settle(context, lease, { state: isTold ? 'sent' : 'suppressed', reason })
}

async function wait(
  lease: AlertLease,
  { until, reason }: Extract<AlertDecision, { type: 'wait' }>,
  now: Date,
): Promise<void> {
  await lease.save({ state: 'queued', reason, dueInMs: Math.max(0, +until - +now) })
}

interface Ending {
  state: 'sent' | 'failed' | 'suppressed'
  reason?: AlertReason
  toldBy?: string
}

async function settle(context: AlertContext, lease: AlertLease, ending: Ending): Promise<void> {
  const { rule } = lease.alert
  if (await lease.save(ending)) context.metrics.alertSettled(rule, ending.state)
}

/** Returns false if another alert's message tells of this one, now or soon. */
async function mayLead(context: AlertContext, { alert, rule, lease }: Step, now: Date) {
  const { policy, alerts } = context
  if (alert.size > 0) return true
  const readyAt = toReadyAt(alert, rule, policy)
  const isAlone = rule.isCritical || policy.groupMs === 0
  let grouping = isAlone
    ? ({ type: 'lead' } as const)
    : await alerts.group({ ...alert, readyAt, windowMs: policy.groupMs })
  if (grouping.type === 'told') {
    const leader = await alerts.find(grouping.by)
    const isOver = !leader || leader.state === 'suppressed'
    if (!isOver) return follow(context, lease, leader)
    const passOver = grouping.by
    grouping = await alerts.group({ ...alert, readyAt, windowMs: policy.groupMs, passOver })
  }
  if (grouping.type === 'lead') {
    const until = new Date(+now - (+readyAt - +alert.openedAt))
    alert.size = isAlone ? 1 : Math.max(1, await alerts.countOpen(alert.rule, until))
    return true
  }
  const dueInMs = grouping.type === 'wait' ? grouping.forMs : TOLD_MS
  await lease.save({ state: 'queued', reason: 'group', dueInMs })
  return false
}

/** What becomes of the message becomes of all that it tells of. */
async function follow(context: AlertContext, lease: AlertLease, leader: Alert): Promise<boolean> {
  const isTold = leader.deliveries.some(({ outcome }) => outcome === 'delivered')
  const state = isTold || leader.state === 'sent' ? 'sent' : leader.state
  if (state === 'sent' || state === 'failed' || state === 'suppressed') {
    await settle(context, lease, { state, reason: 'told with another', toldBy: leader.id })
  } else await lease.save({ state: 'queued', reason: 'group', dueInMs: TOLD_MS })
  return false
}
