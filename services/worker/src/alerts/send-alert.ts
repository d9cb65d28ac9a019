import {
  backoffMs,
  type Alert,
  type AlertChannel,
  type AlertDelivery,
  type AlertReason,
  type AlertRule,
  type Delivery,
  type Notice,
} from '@chatbox/core'
import { testChannel } from '../channels/test-channel.ts'
import { TRY_FOR_MS, type AlertContext } from './alert-context.ts'
import type { AlertLease } from './alert-lease.ts'
import { readWords } from './read-situation.ts'

interface Sending {
  alert: Alert
  rule: AlertRule
  lease: AlertLease
}

const HOUR_MS = 3_600_000

/**
 * Makes one attempt at each recipient that has no final outcome. The record names each before it is
 * written to, and holds the outcome of each as soon as it is known: who dies in between is followed
 * by somebody who repeats that one only, with the same id.
 */
export async function sendAlert(context: AlertContext, sending: Sending): Promise<void> {
  const { alert, lease } = sending
  const channels = findChannels(context, sending)
  const deliveries = await begin(context, alert, channels)
  const claimed = { state: 'claimed', leaseMs: lease.leaseMs } as const
  if (!(await lease.save({ ...claimed, size: alert.size, deliveries: [...deliveries.values()] })))
    return
  const notice = await toNotice(context, sending)
  const due = channels.filter((channel) => deliveries.get(toKey(channel))?.outcome === 'sending')
  await Promise.all(
    due.map(async (channel) => {
      const before = deliveries.get(toKey(channel))
      if (!before) return
      const after = await attempt(context, { channel, notice, before, alert, lease })
      deliveries.set(toKey(channel), after)
      context.metrics.alertDelivered(channel.kind, after.outcome)
      if (due.length > 1) await lease.save({ ...claimed, deliveries: [...deliveries.values()] })
    }),
  )
  await finish(context, sending, [...deliveries.values()])
}

function findChannels({ channels }: AlertContext, { alert, rule }: Sending): AlertChannel[] {
  const isMeant = ({ kind }: AlertChannel) =>
    alert.rule === 'channel.test' ? kind === alert.about : rule.channels.includes(kind)
  return channels.filter(isMeant)
}

function toKey({ kind, recipient }: Pick<AlertChannel, 'kind' | 'recipient'>): string {
  return `${kind}:${recipient}`
}

/** Returns the deliveries with those marked that are tried now. */
async function begin(
  context: AlertContext,
  alert: Alert,
  channels: readonly AlertChannel[],
): Promise<Map<string, AlertDelivery>> {
  const now = context.clock.now()
  const deliveries = new Map(alert.deliveries.map((one) => [toKey(one), one]))
  for (const channel of channels) {
    const key = toKey(channel)
    const known = deliveries.get(key) ?? (await enter(context, alert, channel))
    const isDue = known.outcome === 'retry' && Date.parse(known.nextAt ?? '') <= +now
    if (known.outcome !== 'sending' && !isDue) deliveries.set(key, known)
    else {
      const attempts = known.attempts + 1
      deliveries.set(key, { ...known, outcome: 'sending', attempts, at: now.toISOString() })
    }
  }
  return deliveries
}

/** Takes one of this hour's messages of the rule to the recipient. A repetition takes the same one. */
async function enter(
  { alerts, policy, pseudonym, clock }: AlertContext,
  alert: Alert,
  { kind, recipient }: AlertChannel,
): Promise<AlertDelivery> {
  const now = clock.now()
  const fresh = { kind, recipient, attempts: 0, at: now.toISOString() }
  if (alert.rule === 'channel.test') return { ...fresh, outcome: 'sending' }
  const hour = Math.floor(+now / HOUR_MS)
  const bucket = `${alert.rule}.${hour}.${pseudonym(toKey({ kind, recipient }))}`
  const place = await alerts.takePlace(bucket, alert.id, policy.cap + 1)
  if (place === undefined) return { ...fresh, outcome: 'held' }
  return { ...fresh, outcome: 'sending', ...(place === policy.cap ? { isLast: true } : {}) }
}

async function toNotice(context: AlertContext, { alert, rule }: Sending): Promise<Notice> {
  const { policy } = context
  const { id, sessionId, size, about } = alert
  const isOne = size <= 1 && sessionId !== undefined
  const link = policy.toLink(isOne ? sessionId : undefined)
  const text = policy.visitorText && isOne ? await readWords(context, alert) : undefined
  return {
    id,
    kind: alert.rule,
    subject: rule.toSubject(size, about),
    time: alert.openedAt,
    ...(isOne ? { sessionId } : {}),
    ...(link === undefined ? {} : { link }),
    ...(text === undefined ? {} : { text }),
  }
}

interface Attempt {
  channel: AlertChannel
  notice: Notice
  before: AlertDelivery
  alert: Alert
  lease: AlertLease
}

async function attempt(context: AlertContext, work: Attempt): Promise<AlertDelivery> {
  const { channel, notice, before, lease } = work
  if (notice.kind === 'channel.test') return test(context, work)
  const startedAt = performance.now()
  const subject = before.isLast
    ? `${notice.subject} (this hour's last message of this kind)`
    : notice.subject
  const delivery = await channel.send({ ...notice, subject }, lease.signal)
  return toDelivery(context, work, {
    delivery,
    durationMs: Math.round(performance.now() - startedAt),
  })
}

async function test(context: AlertContext, work: Attempt): Promise<AlertDelivery> {
  const { channel, notice, before, lease } = work
  const { link } = notice
  const options = { signal: lease.signal, ...(link === undefined ? {} : { link }) }
  const { outcome, meaning: _said, ...tested } = await testChannel(channel, context.clock, options)
  return { ...before, ...tested, outcome: outcome === 'retry' ? 'failed' : outcome }
}

function toDelivery(
  { clock, policy }: AlertContext,
  { before, alert }: Attempt,
  { delivery, durationMs }: { delivery: Delivery; durationMs: number },
): AlertDelivery {
  const now = clock.now()
  const { outcome, said, route } = delivery
  const { fault: _before, nextAt: _due, ...kept } = before
  const known = { ...kept, said, ...route, durationMs, at: now.toISOString() }
  if (outcome === 'delivered') return { ...known, outcome }
  const { fault } = delivery
  const pause = backoffMs(before.attempts, policy.backoff, () => clock.random())
  const asked = outcome === 'retry' ? (delivery.retryAfterMs ?? 0) : 0
  const next = +now + Math.max(pause, asked)
  const isOver = outcome === 'failed' || next > +alert.openedAt + TRY_FOR_MS
  return isOver
    ? { ...known, fault, outcome: 'failed' }
    : { ...known, fault, outcome, nextAt: new Date(next).toISOString() }
}

async function finish(
  context: AlertContext,
  { alert, lease }: Sending,
  deliveries: AlertDelivery[],
): Promise<void> {
  const { clock, metrics } = context
  const next = deliveries
    .filter(({ outcome }) => outcome === 'retry')
    .map(({ nextAt }) => Date.parse(nextAt ?? ''))
  if (next.length > 0) {
    const dueInMs = Math.max(0, Math.min(...next) - +clock.now())
    await lease.save({ state: 'queued', reason: 'retry', dueInMs, deliveries })
    return
  }
  const ending = toEnding(deliveries)
  if (await lease.save({ ...ending, deliveries })) metrics.alertSettled(alert.rule, ending.state)
}

function toEnding(deliveries: readonly AlertDelivery[]): {
  state: 'sent' | 'failed' | 'suppressed'
  reason?: AlertReason
} {
  const outcomes = new Set(deliveries.map(({ outcome }) => outcome))
  if (outcomes.has('delivered')) return { state: 'sent' }
  if (outcomes.has('failed') || outcomes.has('sending')) return { state: 'failed' }
  return { state: 'suppressed', reason: deliveries.length > 0 ? 'cap' : 'no channel' }
}
