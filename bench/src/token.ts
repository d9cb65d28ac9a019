import jwt from 'jsonwebtoken'

/** A token as the site in front of chatbox issues it, good for an hour. */
export function createToken(userId: string, secret: string, roles?: string[]): string {
  const claims = { sub: userId, ...(roles && { roles }) }
  return jwt.sign(claims, secret, { algorithm: 'HS256', expiresIn: '1h' })
}
