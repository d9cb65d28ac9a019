import type { SignInTicket, TicketUse } from '@chatbox/core'
import { openJson, sealJson, toContext, type RecordDeps } from './key-ring.ts'

export function sealTicket(deps: RecordDeps, { digest, content }: SignInTicket): string {
  return sealJson(deps, content, toContext('ticket', digest))
}

/** Returns what the caller gets who has used the ticket up. */
export function openTicket(deps: RecordDeps, digest: string, sealed: unknown): TicketUse {
  const content = openJson(deps, sealed, toContext('ticket', digest))
  if (typeof content === 'string') return { outcome: 'used-now', content }
  deps.hooks.onPayloadRefused('ticket', {})
  return { outcome: 'unknown' }
}

/** Says why a ticket that exists could not be used. The times are in ms by the store's clock. */
export function toUnused(
  ticket: { usedAt: number | undefined; endsAt: number },
  now: number,
): TicketUse {
  const { usedAt, endsAt } = ticket
  if (usedAt !== undefined) return { outcome: 'used-before', agoMs: Math.max(0, now - usedAt) }
  return { outcome: endsAt <= now ? 'late' : 'other-browser' }
}
