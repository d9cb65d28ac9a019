import { createHmac } from 'node:crypto'

const TTL_S = 3600

/** A token as the site in front of chatbox issues it: HS256 over the claims. */
export function createToken(userId: string, secret: string, roles?: string[]): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: userId, ...(roles && { roles }), iat: now, exp: now + TTL_S }
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims].map(toPart).join('.')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

function toPart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
