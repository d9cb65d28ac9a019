import { createSecretKey, randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import type { Deadline } from './deadline.ts'
import { Finding } from './finding.ts'
import { askVisitorToken, type Place } from './http-calls.ts'

/** Who asks, as the environment says it. An empty text counts as nothing said. */
export interface Identity {
  token: string | undefined
  secret: string | undefined
  issuer: string | undefined
  audience: string | undefined
}

/** Longer than a round trip may take. */
const TTL_S = 15 * 60

/**
 * A token that was given is the one to try: whoever gives it wants to know about it. Else the
 * probe is a visitor as the page makes one, and where none are let in, a user of its own.
 */
export async function getToken(
  place: Place,
  deadline: Deadline,
  identity: Identity,
): Promise<string> {
  if (identity.token) return identity.token
  const visitor = await askVisitorToken(place, deadline)
  if (visitor !== undefined) return visitor
  if (!identity.secret) {
    throw new Finding(
      'token',
      'visitors are not let in (ALLOW_VISITORS), and there is neither PROBE_TOKEN nor JWT_SECRET',
    )
  }
  return signToken(identity.secret, identity)
}

/** For a new user each time: a user has one session, and two probes would share it. */
function signToken(
  secret: string,
  { issuer, audience }: Pick<Identity, 'issuer' | 'audience'>,
): string {
  return jwt.sign({ name: 'probe' }, createSecretKey(secret, 'utf8'), {
    algorithm: 'HS256',
    subject: `probe:${randomUUID()}`,
    expiresIn: TTL_S,
    ...(issuer && { issuer }),
    ...(audience && { audience }),
  })
}
