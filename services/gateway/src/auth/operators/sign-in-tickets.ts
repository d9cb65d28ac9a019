import { createHash, randomBytes } from 'node:crypto'
import { signInGrantSchema, signInLinkSchema, type SignInGrant } from '@chatbox/contract'
import { AppError, type TicketUse } from '@chatbox/core'
import type { Context } from '../../context.ts'

/** The life of a link, and of a sign-in at a provider. */
export const LINK_TTL_MS = 10 * 60_000
/** Two tabs renew at once: the loser may try again with the cookie that the winner has got. */
const RENEWAL_OVERLAP_MS = 10_000
const RETRY_MS = 500

type Tickets = Pick<Context, 'signInTickets'>
type Kind = 'link' | 'grant'

export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** The kind is part of it, so that a link is no cookie and a cookie no link. */
function toDigest(kind: Kind | 'browser', secret: string): string {
  return createHash('sha256').update(`chatbox ${kind} ${secret}`).digest('base64url')
}

/** Returns the secret of a new link. */
export async function createLink(
  { signInTickets }: Tickets,
  address: string,
  browserSecret?: string,
): Promise<string> {
  const secret = newSecret()
  const browser = browserSecret === undefined ? {} : { browser: toDigest('browser', browserSecret) }
  const content = JSON.stringify({ address })
  const ticket = { digest: toDigest('link', secret), ...browser, content }
  await signInTickets.create(ticket, LINK_TTL_MS)
  return secret
}

/** Uses a link up and returns its address. Throws with what to do next. */
export async function useLink(
  { signInTickets }: Tickets,
  secret: string,
  browserSecret: string | undefined,
): Promise<string> {
  const browser = browserSecret === undefined ? undefined : toDigest('browser', browserSecret)
  const use = await signInTickets.use(toDigest('link', secret), browser)
  if (use.outcome === 'used-now') return signInLinkSchema.parse(JSON.parse(use.content)).address
  throw toLinkError(use.outcome)
}

function toLinkError(outcome: Exclude<TicketUse['outcome'], 'used-now'>): AppError {
  switch (outcome) {
    case 'used-before':
      return new AppError('CONFLICT', 'This link was used already. Ask for another one.')
    case 'late':
      return new AppError('TOKEN_EXPIRED', 'This link is too old. Ask for another one.')
    case 'other-browser':
      return new AppError(
        'FORBIDDEN',
        'This link works only in the browser in which it was asked for. Open it there, or ask for another one here.',
      )
    case 'unknown':
      return new AppError('UNAUTHORIZED', 'This link is not known. Ask for another one.')
  }
}

/** Returns the secret of the grant, for the cookie. */
export async function createGrant(
  { signInTickets }: Tickets,
  grant: SignInGrant,
  ttlMs: number,
): Promise<string> {
  const secret = newSecret()
  const content = JSON.stringify(grant)
  await signInTickets.create({ digest: toDigest('grant', secret), content }, ttlMs)
  return secret
}

/** Uses a grant up. Throws `CONFLICT`, retryable, if another tab has just done so. */
export async function useGrant({ signInTickets }: Tickets, secret: string): Promise<SignInGrant> {
  const use = await signInTickets.use(toDigest('grant', secret))
  if (use.outcome === 'used-now') return signInGrantSchema.parse(JSON.parse(use.content))
  if (use.outcome === 'used-before' && use.agoMs < RENEWAL_OVERLAP_MS) {
    throw new AppError('CONFLICT', 'Another tab renews this sign-in. Try again.', {
      retryable: true,
      retryAfterMs: RETRY_MS,
    })
  }
  throw signInAgain()
}

export async function dropGrant({ signInTickets }: Tickets, secret: string): Promise<void> {
  await signInTickets.use(toDigest('grant', secret))
}

export function signInAgain(): AppError {
  return new AppError('UNAUTHORIZED', 'Your sign-in is over. Sign in again.')
}
