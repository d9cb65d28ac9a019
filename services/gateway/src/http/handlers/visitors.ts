import { HTTP_ROUTES, type RouteAnswer } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { CookieOptions, Request, Response } from 'express'
import { newVisitorId, PROOF_TTL_S, type VisitorTokens } from '../../auth/visitor-tokens.ts'
import type { Context, GatewayOptions } from '../../context.ts'
import { toAddressKey } from '../../edge/client-address.ts'
import { createRouteCookie, readCookie, type RouteCookie } from '../cookies.ts'
import { isHttps } from '../security.ts'

const FORMER_NAME = 'chatbox_visitor'

/**
 * Issues a token for the visitor that this browser was before, else for a new visitor. The token
 * lives in the page's memory only. The lasting part is a cookie that scripts cannot read and that
 * is sent only to this address. Its only use is a new token for the same visitor.
 */
export async function admitVisitor(
  { visitors, options, guard, revocations }: Context,
  request: Request,
  response: Response,
): Promise<RouteAnswer<'createVisitor'>> {
  if (!visitors) throw notAdmitted()
  const known = await readVisitor(visitors, options.server, request)
  // A new visitor has new points and a new budget, so an address may become only a few. Known ones
  // count each for themselves: all the pages of an office may wake up at once.
  if (known === undefined) await guard.take('newVisitor', toAddressKey(request.ip))
  else await guard.take('visitor', known)
  if (known !== undefined && revocations.isRevoked(known, undefined)) throw notAdmitted()
  const visitorId = known ?? newVisitorId()
  const proof = await visitors.issueProof(visitorId)
  toVisitorCookie(options.server).write(response, proof, PROOF_TTL_S * 1000)
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
  toVisitorCookie(options.server).write(response, undefined, 0)
  response.clearCookie(FORMER_NAME, toFormerAttributes(options.server))
}

async function readVisitor(
  visitors: VisitorTokens,
  server: GatewayOptions['server'],
  request: Request,
): Promise<string | undefined> {
  const proof = toVisitorCookie(server).read(request)
  if (proof !== undefined) return (await visitors.readProof(proof))?.visitorId
  const formerProof = readCookie(request, FORMER_NAME)
  if (formerProof === undefined) return undefined
  // Any host of the domain can set a cookie of this name. What this version issues never counts
  // there, so nobody can plant an identity that they have got from it.
  const read = await visitors.readProof(formerProof)
  return read?.isFormer ? read.visitorId : undefined
}

function toVisitorCookie(server: GatewayOptions['server']): RouteCookie {
  return createRouteCookie(server, { name: FORMER_NAME, route: HTTP_ROUTES.createVisitor.path })
}

/**
 * What the version before set, also over https. It is read for one release. It is left to run out,
 * because gateways of that version know the visitor by it, in an upgrade and on the way back.
 */
function toFormerAttributes({ publicUrl, pathPrefix }: GatewayOptions['server']): CookieOptions {
  const path = `${pathPrefix}/api${HTTP_ROUTES.createVisitor.path}`
  return { httpOnly: true, sameSite: 'strict', secure: isHttps(publicUrl), path }
}

function notAdmitted(): AppError {
  return new AppError('FORBIDDEN', 'Visitors are not admitted here.')
}
