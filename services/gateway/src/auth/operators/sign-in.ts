import type { Role, RouteAnswer, SignInGrant } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import { toSignInLink } from './console-address.ts'
import type { OidcPerson, OidcReturn } from './oidc-provider.ts'
import { normalAddress, toOperatorId } from './operator-list.ts'
import type { Context } from '../../context.ts'
import {
  createGrant,
  createLink,
  dropGrant,
  LINK_TTL_MS,
  newSecret,
  signInAgain,
  useGrant,
  useLink,
} from './sign-in-tickets.ts'

type Way = 'link' | 'oidc'

/** What a browser keeps of a sign-in, in cookies of one route. */
export interface SignInCookies {
  /** Shows that a sign-in ends in the browser in which it began. */
  browserSecret: string | undefined
  /** Renews the token. */
  grantSecret: string | undefined
  keepBrowser(secret: string, forMs: number): void
  /** Forgets the grant if `secret` is undefined. */
  keepGrant(secret: string | undefined, forMs: number): void
}

type TokenAnswer = RouteAnswer<'issueOperatorToken'>

/** Returns how operators may sign in here, besides a token of the site. */
export function listWays({ oidc, signInLinks, options }: Context): Way[] {
  const hasLinks = signInLinks !== undefined && options.operators.list.length > 0
  return [...(hasLinks ? (['link'] as const) : []), ...(oidc ? (['oidc'] as const) : [])]
}

/**
 * Starts a sign-in. For a link it answers before it looks the address up, so neither the answer nor
 * its time says whether somebody has this address.
 */
export async function startSignIn(
  context: Context,
  input: { way: Way; address?: string | undefined },
  { from, cookies }: { from: string; cookies: Pick<SignInCookies, 'keepBrowser'> },
): Promise<RouteAnswer<'startSignIn'>> {
  const { way, address = '' } = input
  await context.guard.take('signIn', from)
  if (!listWays(context).includes(way)) throw noSuchWay()
  const browserSecret = newSecret()
  if (way === 'oidc' && context.oidc) {
    const url = await context.oidc.begin(browserSecret)
    cookies.keepBrowser(browserSecret, LINK_TTL_MS)
    return { url }
  }
  await context.guard.take('signInMail', normalAddress(address))
  cookies.keepBrowser(browserSecret, LINK_TTL_MS)
  context.work.add(
    sendLink(context, address, browserSecret).catch((error: unknown) => {
      context.logger.error({ err: error }, 'a sign-in link was not sent')
    }),
  )
  return {}
}

async function sendLink(context: Context, address: string, browserSecret: string): Promise<void> {
  const entry = context.operators.findByAddress(address)
  if (!entry) return
  if (isShutOut(await context.revocations.find(toOperatorId('mail', entry.address)))) return
  const browser = context.options.operators.sameBrowser ? browserSecret : undefined
  const secret = await createLink(context, entry.address, browser)
  await context.signInLinks?.deliver(entry.address, toSignInLink(context.options.server, secret))
}

/** Makes a link for whoever can read what this process prints. Any browser may use it. */
export async function createFirstLink(context: Context): Promise<string | undefined> {
  const entry = context.operators.first()
  if (!entry) return undefined
  return toSignInLink(context.options.server, await createLink(context, entry.address))
}

/** Ends a sign-in by link. Throws as `useLink` does, and `FORBIDDEN` for one who is no operator now. */
export async function finishWithLink(
  context: Context,
  secret: string,
  cookies: SignInCookies,
): Promise<TokenAnswer> {
  const address = await useLink(context, secret, cookies.browserSecret)
  return issue(context, byList(context, address, toName(address)), cookies)
}

/** Ends a sign-in at the provider. */
export async function finishWithProvider(
  context: Context,
  back: OidcReturn,
  cookies: SignInCookies,
): Promise<TokenAnswer> {
  if (!context.oidc) throw noSuchWay()
  const person = await context.oidc.finish(cookies.browserSecret, back)
  return issue(context, byPerson(context, person), cookies)
}

/**
 * Renews a token. The roles are read again, from the list or at the provider. If they have changed,
 * the tokens with the older ones are ended on every gateway.
 */
export async function renewToken(context: Context, cookies: SignInCookies): Promise<TokenAnswer> {
  if (cookies.grantSecret === undefined) throw signInAgain()
  const before = await useGrant(context, cookies.grantSecret)
  const grant = await readAgain(context, before).catch(async (error: unknown) => {
    await onUnread(context, { before, error, cookies })
    throw error
  })
  if (grant.id !== before.id || String(grant.roles) !== String(before.roles)) {
    await endOlder(context, before)
  }
  return issue(context, { ...grant, endsAt: before.endsAt }, cookies)
}

/** Signs out of this browser. A token that it still has lives until its end. Idempotent. */
export async function endSignIn(context: Context, cookies: SignInCookies): Promise<void> {
  cookies.keepGrant(undefined, 0)
  if (cookies.grantSecret !== undefined) await dropGrant(context, cookies.grantSecret)
}

/** A pause of the provider signs nobody out, and its refusal does so everywhere. */
async function onUnread(
  context: Context,
  { before, error, cookies }: { before: SignInGrant; error: unknown; cookies: SignInCookies },
): Promise<void> {
  if (error instanceof AppError && error.code !== 'UNAVAILABLE') {
    cookies.keepGrant(undefined, 0)
    await endOlder(context, before)
    return
  }
  const leftMs = before.endsAt - context.clock.now().getTime()
  if (leftMs > 0) cookies.keepGrant(await createGrant(context, before, leftMs), leftMs)
}

async function readAgain(context: Context, grant: SignInGrant): Promise<SignInGrant> {
  const { subject, refreshToken, address, name } = grant
  if (subject !== undefined && refreshToken !== undefined && context.oidc) {
    return byPerson(context, await context.oidc.renew({ subject, refreshToken }))
  }
  if (address === undefined) throw signInAgain()
  return { ...byList(context, address, name), ...(subject === undefined ? {} : { subject }) }
}

async function endOlder({ revocations }: Context, { id }: SignInGrant): Promise<void> {
  await revocations.put({ userId: id, reason: 'roles_changed', by: id })
}

function byPerson(context: Context, person: OidcPerson): SignInGrant {
  const { issuer, subject, refreshToken, address, roles } = person
  const name = person.name || toName(address ?? '')
  const later = { subject, ...(refreshToken === undefined ? {} : { refreshToken }) }
  if (roles === undefined) return { ...byList(context, address ?? '', name), ...later }
  if (roles.length === 0) throw noOperator()
  return { ...newGrant(context, toOperatorId('oidc', issuer, subject), { name, roles }), ...later }
}

function byList(context: Context, address: string, name: string): SignInGrant {
  const entry = context.operators.findByAddress(address)
  if (!entry) throw noOperator()
  const id = toOperatorId('mail', entry.address)
  return { ...newGrant(context, id, { name, roles: [entry.role] }), address: entry.address }
}

function newGrant(
  { clock, options }: Context,
  id: string,
  { name, roles }: { name: string; roles: Role[] },
): SignInGrant {
  return { id, name, roles, endsAt: clock.now().getTime() + options.operators.sessionMs }
}

async function issue(
  context: Context,
  grant: SignInGrant,
  cookies: SignInCookies,
): Promise<TokenAnswer> {
  const { id, name, roles, address, refreshToken } = grant
  const revocation = await context.revocations.find(id)
  if (isShutOut(revocation)) throw new AppError('FORBIDDEN', 'Your access has been ended.')
  const leftMs = grant.endsAt - context.clock.now().getTime()
  if (leftMs <= 0) throw signInAgain()
  // Otherwise nobody could say later which roles the operator has.
  const canRenew = address !== undefined || refreshToken !== undefined
  cookies.keepGrant(canRenew ? await createGrant(context, grant, leftMs) : undefined, leftMs)
  const { token, expiresAt } = context.operatorTokens.issueToken(
    { id, name, roles, isListed: address !== undefined },
    revocation?.before.getTime() ?? 0,
  )
  return { token, expiresAt: expiresAt.toISOString(), user: { id, name, roles } }
}

function isShutOut(revocation: { reason: string } | undefined): boolean {
  return revocation?.reason === 'shut_out'
}

/** Visitors see the name, and not the address. */
function toName(address: string): string {
  return address.split('@')[0] ?? ''
}

function noSuchWay(): AppError {
  return new AppError('FORBIDDEN', 'Nobody signs in this way here.')
}

function noOperator(): AppError {
  return new AppError('FORBIDDEN', 'You are not among the operators here.')
}
