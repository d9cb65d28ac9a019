import { createSecretKey, randomBytes } from 'node:crypto'
import jwt, { type JwtPayload } from 'jsonwebtoken'

/** Another one each time: what a repository holds is no secret, and production takes this one. */
export const TEST_SECRET = randomBytes(32).toString('base64')

const TTL_S = 3600

/** A token as the site in front of chatbox would issue it, good for an hour unless `claims` differ. */
export async function signToken(claims: JwtPayload, secret = TEST_SECRET): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const key = createSecretKey(secret, 'utf8')
  return jwt.sign({ iat: now, exp: now + TTL_S, ...claims }, key, { algorithm: 'HS256' })
}
