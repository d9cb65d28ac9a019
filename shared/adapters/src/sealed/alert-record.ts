import { CHANNEL_KINDS, type Alert, type AlertDelivery, type KnownChannel } from '@chatbox/core'
import { z } from 'zod'
import { openJson, sealJson, toContext, type RecordDeps } from './key-ring.ts'

/** What a store holds of an alert, with times as it keeps them. */
export interface StoredAlert {
  id: unknown
  rule: unknown
  sessionId: unknown
  about: unknown
  state: unknown
  reason: unknown
  toldBy: unknown
  openedAt: number
  epoch: unknown
  size: unknown
  sealed: unknown
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined)
/** What a later version added to a delivery is kept, because the record is written again. */
const deliverySchema = z.looseObject({
  kind: z.enum(CHANNEL_KINDS),
  recipient: z.string(),
  outcome: z.enum(['sending', 'delivered', 'retry', 'failed', 'held']),
  attempts: z.int(),
  at: z.string(),
})
const alertSchema = z.object({
  id: z.string(),
  rule: z.string(),
  sessionId: text,
  about: text,
  state: z.enum(['queued', 'claimed', 'sent', 'failed', 'suppressed']),
  reason: text,
  toldBy: text,
  openedAt: z.number().transform((ms) => new Date(ms)),
  epoch: z.int(),
  size: z.int(),
})

export function toAlert(deps: RecordDeps, { sealed, ...stored }: StoredAlert): Alert {
  const alert = alertSchema.parse(stored)
  const opened = openJson(deps, sealed, toContext('alert', alert.id))
  const deliveries = z.array(deliverySchema).safeParse(opened)
  if (sealed != null && !deliveries.success) {
    deps.hooks.onPayloadRefused('alert', { alertId: alert.id })
  }
  return { ...alert, deliveries: deliveries.success ? deliveries.data : [] }
}

/** Addresses and what servers say name people, so they are sealed. */
export function sealDeliveries(
  deps: RecordDeps,
  alertId: string,
  deliveries: readonly AlertDelivery[],
): string {
  return sealJson(deps, deliveries, toContext('alert', alertId))
}

const channelsSchema = z.array(z.object({ kind: z.enum(CHANNEL_KINDS), recipient: z.string() }))

export function sealChannels(deps: RecordDeps, channels: readonly KnownChannel[]): string {
  return sealJson(deps, channels, 'channels')
}

export function openChannels(deps: RecordDeps, sealed: unknown): KnownChannel[] {
  const channels = channelsSchema.safeParse(openJson(deps, sealed, 'channels'))
  return channels.success ? channels.data : []
}

/** The most alerts that are counted together. */
export const MAX_COUNTED = 1000

export interface StoredGroup {
  leader: string
  cutAt: number
  nextAt: number
}

/** What a group's last message means for an alert; `take` if the alert may lead the next one. */
export function judgeGroup(
  group: StoredGroup | undefined,
  { id, readyAt, passOver }: { id: string; readyAt: Date; passOver?: string | undefined },
  now: number,
): { type: 'lead' } | { type: 'told'; by: string } | { type: 'wait'; forMs: number } | 'take' {
  if (!group || group.leader === passOver) return 'take'
  if (group.leader === id) return { type: 'lead' }
  if (readyAt.getTime() <= group.cutAt) return { type: 'told', by: group.leader }
  return group.nextAt > now ? { type: 'wait', forMs: group.nextAt - now } : 'take'
}
