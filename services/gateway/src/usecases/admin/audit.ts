import { LIMITS, type RouteAnswer, type RouteQuery } from '@chatbox/contract'
import { verifyAudit } from '@chatbox/core'
import type { Context } from '../../context.ts'

/** How many entries one call checks, so that none is long. */
const VERIFIED_A_CALL = 5000

export async function listAudit(
  { audit }: Pick<Context, 'audit'>,
  { limit = LIMITS.historyPageDefault, ...filter }: RouteQuery<'listAudit'>,
): Promise<RouteAnswer<'listAudit'>> {
  const entries = await audit.list({ ...filter, limit: limit + 1 })
  const items = entries.slice(0, limit)
  const last = items.at(-1)
  return {
    items: items.map(({ previous: _, at, ...entry }) => ({ ...entry, at: at.toISOString() })),
    nextCursor: entries.length > limit && last ? String(last.seq) : null,
  }
}

export async function checkAudit(
  { audit }: Pick<Context, 'audit'>,
  { after = 0, head }: RouteQuery<'verifyAudit'>,
): Promise<RouteAnswer<'verifyAudit'>> {
  const [seq = '', hash = ''] = head?.split('.') ?? []
  const known = head === undefined ? undefined : { seq: Number(seq), hash }
  const report = await verifyAudit(audit, { after, limit: VERIFIED_A_CALL, known })
  return { ...report, head: report.head ?? null, next: report.next ?? null }
}
