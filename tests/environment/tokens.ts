import { createSecretKey, randomBytes } from 'node:crypto'
import jwt, { type JwtPayload } from 'jsonwebtoken'

/**
 * A new one each time, because production accepts it and a secret in a repository is not secret.
 */
export const TEST_SECRET = randomBytes(32).toString('base64')

const TTL_S = 3600

/**
 * Returns a token like one of the site in front of chatbox, valid for an hour unless `claims` says
 * otherwise.
 */
export async function signToken(claims: JwtPayload, secret = TEST_SECRET): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const key = createSecretKey(secret, 'utf8')
  return jwt.sign({ iat: now, exp: now + TTL_S, ...claims }, key, { algorithm: 'HS256' })
}
