import { SignJWT, type JWTPayload } from 'jose'

/** Long and random enough for the settings' own rules; known to nobody but these tests. */
export const TEST_SECRET = 'f2c9b1d07e5a4836a1d4c07b93e86f15d2b7a0946c3e58f1'

const TTL_S = 3600

/** A token as the site in front of chatbox would issue it, good for an hour unless `claims` differ. */
export async function signToken(claims: JWTPayload, secret = TEST_SECRET): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return await new SignJWT({ iat: now, exp: now + TTL_S, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret))
}
