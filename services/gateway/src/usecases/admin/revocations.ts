import { LIMITS, type RouteAnswer, type RouteQuery, type User } from '@chatbox/contract'
import { AppError, type Revocation } from '@chatbox/core'
import type { Context } from '../../context.ts'

type Admin = Pick<Context, 'revocations'>

/**
 * Shuts a user out on every gateway within 2 s, now and until the revocation ends. The site decides
 * whether it issues new tokens to its users. This product issues none to visitors and operators who
 * are shut out. Asked again, it also ends the tokens issued since. Throws `CONFLICT` for the admin
 * who asks.
 */
export async function revokeUser(
  { revocations }: Admin,
  who: User,
  { userId }: { userId: string },
): Promise<RouteAnswer<'revokeUser'>> {
  if (userId === who.id) throw new AppError('CONFLICT', 'You cannot shut yourself out.')
  const stored = await revocations.put({ userId, reason: 'shut_out', by: who.id })
  return { revocation: toRevocation(stored) }
}

/** Tokens from before are good again until they expire. Idempotent. */
export async function endRevocation(
  { revocations }: Admin,
  userId: string,
): Promise<RouteAnswer<'endRevocation'>> {
  await revocations.end(userId)
  return undefined
}

/** Pages come from this gateway's copy. A cursor is the number of items before its page. */
export function listRevocations(
  { revocations }: Admin,
  { limit = LIMITS.historyPageDefault, cursor = '0' }: RouteQuery<'listRevocations'>,
): RouteAnswer<'listRevocations'> {
  if (!/^\d{1,9}$/.test(cursor)) throw new AppError('INVALID_FORMAT', 'This is not a cursor.')
  const all = revocations.list()
  const next = Number(cursor) + limit
  return {
    items: all.slice(Number(cursor), next).map(toRevocation),
    nextCursor: next < all.length ? String(next) : null,
  }
}

function toRevocation({ userId, before, by }: Revocation): RouteAnswer<'revokeUser'>['revocation'] {
  return { userId, revokedAt: before.toISOString(), by }
}
