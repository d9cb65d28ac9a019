import { HTTP_ROUTES, type RouteAnswer } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { CookieOptions, Request, Response } from 'express'
import { newVisitorId, PROOF_TTL_S, type VisitorTokens } from '../../auth/visitor-tokens.ts'
import type { Context, GatewayOptions } from '../../context.ts'
import { toAddressKey } from '../../edge/client-address.ts'
import { isHttps } from '../security.ts'

const FORMER_NAME = 'chatbox_visitor'
const MAX_COOKIE_LENGTH = 1024

/**
 * Issues a token for the visitor that this browser was before, else for a new visitor. The token
 * lives in the page's memory only. The lasting part is a cookie that scripts cannot read and that
 * is sent only to this address. Its only use is a new token for the same visitor.
 */
export async function admitVisitor(
  { visitors, options, guard }: Context,
  request: Request,
  response: Response,
): Promise<RouteAnswer<'createVisitor'>> {
  if (!visitors) throw new AppError('FORBIDDEN', 'Visitors are not admitted here.')
  const known = await readVisitor(visitors, options.server, request)
  // A new visitor has new points and a new budget, so an address may become only a few. Known ones
  // count each for themselves: all the pages of an office may wake up at once.
  if (known === undefined) await guard.take('newVisitor', toAddressKey(request.ip))
  else await guard.take('visitor', known)
  const visitorId = known ?? newVisitorId()
  const { name, attributes } = toVisitorCookie(options.server)
  const maxAge = PROOF_TTL_S * 1000
  response.cookie(name, await visitors.issueProof(visitorId), { ...attributes, maxAge })
  const { token, expiresAt } = await visitors.issueToken(visitorId)
  return { token, expiresAt: expiresAt.toISOString() }
}

/**
 * Makes the browser forget which visitor it was, also where visitors are no longer admitted. The
 * proof itself stays valid until its end, because proofs are not stored. A copy of the cookie, which
 * no script can make, would still lead to the same visitor.
 */
export function forgetVisitor(
  { options }: Pick<Context, 'options'>,
  response: Response,
): undefined {
  const { name, attributes, former } = toVisitorCookie(options.server)
  response.clearCookie(name, attributes)
  response.clearCookie(former.name, former.attributes)
}

async function readVisitor(
  visitors: VisitorTokens,
  server: GatewayOptions['server'],
  request: Request,
): Promise<string | undefined> {
  const { name, former } = toVisitorCookie(server)
  const header = request.headers.cookie
  const proof = readCookie(header, name)
  if (proof !== undefined) return (await visitors.readProof(proof))?.visitorId
  const formerProof = readCookie(header, former.name)
  if (formerProof === undefined) return undefined
  // Any host of the domain can set a cookie of this name. What this version issues never counts
  // there, so nobody can plant an identity that they have got from it.
  const read = await visitors.readProof(formerProof)
  return read?.isFormer ? read.visitorId : undefined
}

interface VisitorCookie {
  name: string
  attributes: CookieOptions
  /**
   * What the version before set, also over https. It is read for one release. It is left to run
   * out, because gateways of that version know the visitor by it, in an upgrade and on the way back.
   */
  former: Pick<VisitorCookie, 'name' | 'attributes'>
}

/**
 * Over https the name begins with `__Host-`: browsers then take the cookie from this very host only,
 * and another host of the domain cannot make a visitor someone else (RFC 6265bis, 4.1.3.2). Such a
 * cookie has no path of its own, so its name tells two installations on one host apart.
 */
function toVisitorCookie({ publicUrl, pathPrefix }: GatewayOptions['server']): VisitorCookie {
  const name = `${FORMER_NAME}${pathPrefix.replaceAll('/', '-')}`
  const path = `${pathPrefix}/api${HTTP_ROUTES.createVisitor.path}`
  const former = { name: FORMER_NAME, attributes: toAttributes(path, isHttps(publicUrl)) }
  if (!isHttps(publicUrl)) return { name, attributes: toAttributes(path, false), former }
  return { name: `__Host-${name}`, attributes: toAttributes('/', true), former }
}

function toAttributes(path: string, secure: boolean): CookieOptions {
  return { httpOnly: true, sameSite: 'strict', secure, path }
}

function readCookie(header: string | undefined, wanted: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === wanted && value && value.length <= MAX_COOKIE_LENGTH) return value
  }
  return undefined
}
