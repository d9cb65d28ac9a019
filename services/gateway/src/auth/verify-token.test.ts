import { createHmac, createSecretKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { AppError } from '@chatbox/core'
import { createClock } from '@chatbox/kit'
import { createOperatorList, toOperatorId } from './operators/operator-list.ts'
import { createOperatorTokens, OPERATOR_ISSUER } from './operators/operator-tokens.ts'
import { createTokenVerifier } from './verify-token.ts'
import { createVisitorTokens, VISITOR_ISSUER } from './visitor-tokens.ts'

const SECRET = 'b6d1f0a3c97e42588d0f7a6be1c4935af6827d1094be3c75'
const clock = createClock()
const visitors = createVisitorTokens(SECRET, clock)
const list = createOperatorList([{ address: 'olga@site.org', role: 'chat_admin' }])
const operators = createOperatorTokens(list, {
  operatorTokenKey: createSecretKey(Buffer.alloc(32, 7)),
  clock,
})
const auth = { jwtSecret: SECRET, jwksUrl: undefined, issuer: 'the-site', audience: 'chatbox' }
const verifyToken = createTokenVerifier(auth, { clock, visitors, operators })
const now = Math.floor(Date.now() / 1000)
const good = { sub: 'u1', exp: now + 600, iss: 'the-site', aud: 'chatbox' }
const HS256 = { alg: 'HS256', typ: 'JWT' }

/** Signs anything, also what a library would refuse to, by the hash that the header names. */
function forge(header: unknown, payload: unknown, secret: string | Buffer = SECRET): string {
  const body = `${encode(header)}.${encode(payload)}`
  const bits = /"alg":"HS(384|512)"/u.exec(JSON.stringify(header))?.[1] ?? '256'
  return `${body}.${createHmac(`sha${bits}`, secret).update(body).digest('base64url')}`
}

function encode(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.from(text).toString('base64url')
}

function without(claim: keyof typeof good): Partial<typeof good> {
  return Object.fromEntries(Object.entries(good).filter(([name]) => name !== claim))
}

async function codeOf(token: string): Promise<string> {
  try {
    await verifyToken(token)
    return 'accepted'
  } catch (error) {
    return error instanceof AppError ? error.code : 'no AppError'
  }
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' })
const [goodHeader = '', goodBody = '', goodSignature = ''] = forge(HS256, good).split('.')

const UNAUTHORIZED: [string, string][] = [
  ['empty', ''],
  ['not a token', 'hello'],
  ['two parts', `${goodHeader}.${goodBody}`],
  ['four parts', `${goodHeader}.${goodBody}.${goodSignature}.x`],
  ['five parts, as an encrypted one has', `${goodHeader}.${goodBody}.${goodSignature}.a.b`],
  ['no signature', `${goodHeader}.${goodBody}.`],
  ['a cut signature', `${goodHeader}.${goodBody}.${goodSignature.slice(0, -2)}`],
  [
    'another payload under the signature',
    `${goodHeader}.${encode({ ...good, sub: 'u2' })}.${goodSignature}`,
  ],
  ['trailing data', `${goodHeader}.${goodBody}.${goodSignature} x`],
  ['a header that is no JSON', forge('{', good)],
  ['a header that is a list', forge([], good)],
  ['a header of null', forge('null', good)],
  ['a payload that is no JSON', forge(HS256, '{')],
  ['a payload that is a list', forge(HS256, [good])],
  ['a payload of null', forge(HS256, 'null')],
  ['a payload that is text', forge({ alg: 'HS256' }, '"hello"')],
  ['alg none, unsigned', `${encode({ alg: 'none' })}.${goodBody}.`],
  ['alg none, signed', forge({ alg: 'none' }, good)],
  ['alg None', forge({ alg: 'None' }, good)],
  ['alg HS384', forge({ alg: 'HS384' }, good)],
  ['alg HS512', forge({ alg: 'HS512' }, good)],
  ['alg RS256', forge({ alg: 'RS256' }, good)],
  ['alg hs256 in small letters', forge({ alg: 'hs256' }, good)],
  ['no alg', forge({ typ: 'JWT' }, good)],
  ['alg as a list', forge({ alg: ['HS256'] }, good)],
  ['another secret', forge(HS256, good, 'another-secret-another-secret-another-s')],
  ['an empty secret', forge(HS256, good, '')],
  ['a public key as the secret', forge(HS256, good, publicPem)],
  ['its own key in jwk', forge({ ...HS256, jwk: { kty: 'oct', k: encode('mine') } }, good, 'mine')],
  ['a key address in jku', forge({ ...HS256, jku: 'http://127.0.0.1:1/keys' }, good, 'mine')],
  ['a certificate in x5c', forge({ ...HS256, x5c: [encode('mine')] }, good, 'mine')],
  ['a path as kid', forge({ ...HS256, kid: '../../../../dev/null' }, good, '')],
  ['a query as kid', forge({ ...HS256, kid: "' UNION SELECT 'mine" }, good, 'mine')],
  ['__proto__ as kid', forge({ ...HS256, kid: '__proto__' }, good, 'mine')],
  ['an unknown critical header', forge({ ...HS256, crit: ['x'], x: 1 }, good)],
  ['an empty crit', forge({ ...HS256, crit: [] }, good)],
  ['b64 false', forge({ ...HS256, crit: ['b64'], b64: false }, good)],
  ['a token in a token', forge({ ...HS256, cty: 'JWT' }, forge(HS256, good))],
  ['no exp', forge(HS256, without('exp'))],
  ['exp of null', forge(HS256, { ...good, exp: null })],
  ['exp as text', forge(HS256, { ...good, exp: String(good.exp) })],
  ['exp beyond all calendars', forge(HS256, { ...good, exp: 1e300 })],
  ['iat as text', forge(HS256, { ...good, iat: 'now' })],
  ['nbf in the future', forge(HS256, { ...good, nbf: now + 60 })],
  ['nbf as text', forge(HS256, { ...good, nbf: 'now' })],
  ['an end in more than 30 days', forge(HS256, { ...good, exp: now + 30 * 86_400 + 60 })],
  ['an end in the year 5000', forge(HS256, { ...good, exp: 95_617_584_000 })],
  ['a visitor of ours as its sub', forge(HS256, { ...good, sub: 'visitor:1' })],
  ['a visitor of ours as its user_id', forge(HS256, { ...without('sub'), user_id: 'visitor:1' })],
  ['the sender of our own events as its sub', forge(HS256, { ...good, sub: 'system' })],
  ['no sub', forge(HS256, without('sub'))],
  ['an empty sub', forge(HS256, { ...good, sub: '' })],
  ['a sub that is too long', forge(HS256, { ...good, sub: 'x'.repeat(256) })],
  ['a sub that is a number', forge(HS256, { ...good, sub: 7 })],
  ['a sub that is an object', forge(HS256, { ...good, sub: { $ne: null } })],
  [
    'a sub with half a character',
    forge(HS256, JSON.stringify({ ...good, sub: 'X' }).replace('X', '\\ud800')),
  ],
  ['no iss', forge(HS256, without('iss'))],
  ['another iss', forge(HS256, { ...good, iss: 'the-site-2' })],
  ['an iss with a slash more', forge(HS256, { ...good, iss: 'the-site/' })],
  ['no aud', forge(HS256, without('aud'))],
  ['another aud', forge(HS256, { ...good, aud: 'billing' })],
  ['a list of other auds', forge(HS256, { ...good, aud: ['a', 'b'] })],
  ['roles as text', forge(HS256, { ...good, roles: 'admin' })],
  ['roles as an object', forge(HS256, { ...good, roles: { 0: 'admin', length: 1 } })],
  ['a role that is a number', forge(HS256, { ...good, roles: [1] })],
  ['too long a token', forge(HS256, { ...good, pad: 'x'.repeat(9000) })],
  ['a visitor whom somebody else made up', forge(HS256, { ...good, iss: VISITOR_ISSUER })],
  ['an operator whom somebody else made up', forge(HS256, { ...good, iss: OPERATOR_ISSUER })],
  ['the id of an operator who signed in here', forge(HS256, { ...good, sub: 'operator:1' })],
]

const EXPIRED: [string, string][] = [
  ['beyond the clock skew', forge(HS256, { ...good, exp: now - 31 })],
  ['long ago', forge(HS256, { ...good, exp: 1 })],
  ['before 1970', forge(HS256, { ...good, exp: -1 })],
]

describe('createTokenVerifier with a secret', () => {
  it.each(UNAUTHORIZED)('refuses %s', async (_what, token) => {
    expect(await codeOf(token)).toBe('UNAUTHORIZED')
  })

  it.each(EXPIRED)('says that a token has expired: %s', async (_what, token) => {
    expect(await codeOf(token)).toBe('TOKEN_EXPIRED')
  })

  it('answers who the bearer is and until when', async () => {
    const token = forge(HS256, { ...good, name: 'Ann', roles: ['user', 'chat_admin', 'root'] })
    expect(await verifyToken(token)).toEqual({
      user: { id: 'u1', name: 'Ann', roles: ['user', 'chat_admin'] },
      issuedAtMs: undefined,
      expiresAt: new Date(good.exp * 1000),
    })
  })

  it('takes a plain user where no roles are named, and none of typ', async () => {
    const { user } = await verifyToken(forge({ alg: 'HS256' }, good))
    expect(user).toEqual({ id: 'u1', name: '', roles: ['user'] })
  })

  it.each([[[]], [['root']], [['User', 'ADMIN', ' user']], [['customer', 'editor']]])(
    'lets nobody in whose roles are all of other systems: %j',
    async (roles) => {
      expect(await codeOf(forge(HS256, { ...good, roles }))).toBe('FORBIDDEN')
    },
  )

  it('takes a token of up to 30 days, and names that only look like ours', async () => {
    expect(await codeOf(forge(HS256, { ...good, exp: now + 30 * 86_400 - 60 }))).toBe('accepted')
    for (const sub of ['visitor', 'visitors:1', 'Visitor:1', 'systems', 'ecosystem']) {
      expect(await codeOf(forge(HS256, { ...good, sub }))).toBe('accepted')
    }
  })

  it('takes user_id where there is no sub, and sub where there are both', async () => {
    const old = await verifyToken(forge(HS256, { ...without('sub'), user_id: 'old' }))
    const both = await verifyToken(forge(HS256, { ...good, user_id: 'old' }))
    expect([old.user.id, both.user.id]).toEqual(['old', 'u1'])
  })

  it('cuts a long name at a whole character', async () => {
    const { user } = await verifyToken(forge(HS256, { ...good, name: '😀'.repeat(200) }))
    expect(user.name).toBe('😀'.repeat(100))
  })

  it('finds its audience in a list', async () => {
    const token = forge(HS256, { ...good, aud: ['billing', 'chatbox'] })
    expect((await verifyToken(token)).user.id).toBe('u1')
  })

  it('takes a visitor of its own, but not the proof of one', async () => {
    const { token } = await visitors.issueToken('visitor:1')
    expect((await verifyToken(token)).user).toEqual({
      id: 'visitor:1',
      name: '',
      roles: ['user'],
    })
    expect(await codeOf(await visitors.issueProof('visitor:1'))).toBe('UNAUTHORIZED')
    expect(await visitors.readProof(token)).toBeUndefined()
  })

  it('takes an operator of its own, with the role that the list has now', async () => {
    const olga = { id: toOperatorId('mail', 'olga@site.org'), name: 'olga', isListed: true }
    const { token } = operators.issueToken({ ...olga, roles: ['admin'] }, 0)
    expect((await verifyToken(token)).user).toEqual({
      id: olga.id,
      name: 'olga',
      roles: ['chat_admin'],
    })
    const gone = { ...olga, id: toOperatorId('mail', 'paul@site.org'), roles: ['admin' as const] }
    expect(await codeOf(operators.issueToken(gone, 0).token)).toBe('UNAUTHORIZED')
  })

  it('takes the roles that a claim gave to an operator, as long as the token lives', async () => {
    const olga = { id: toOperatorId('oidc', 'https://id.site.org', '1'), name: 'Olga' }
    const issued = operators.issueToken({ ...olga, roles: ['admin'], isListed: false }, 0)
    expect((await verifyToken(issued.token)).user.roles).toEqual(['admin'])
    expect(issued.expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(15 * 60_000)
  })

  it('counts a token of an operator as issued after the time that it must follow', async () => {
    const olga = { id: 'operator:1', name: '', roles: ['admin' as const], isListed: false }
    const afterMs = Date.now() + 5000
    const { issuedAtMs } = await verifyToken(operators.issueToken(olga, afterMs).token)
    expect(issuedAtMs).toBeGreaterThan(afterMs)
  })

  it('knows no visitors where none are let in', async () => {
    const { token } = await visitors.issueToken('visitor:1')
    const strict = createTokenVerifier(auth, { clock, visitors: undefined, operators })
    await expect(strict(token)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })

  it.each([
    ['both', { ...auth, jwksUrl: 'https://keys.test/jwks' }],
    ['neither', { ...auth, jwtSecret: undefined }],
  ])('wants one kind of key, not %s', (_what, settings) => {
    expect(() => createTokenVerifier(settings, { clock, visitors, operators })).toThrow(
      'exactly one',
    )
  })
})
