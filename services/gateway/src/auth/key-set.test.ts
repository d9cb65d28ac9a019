import { createSecretKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { afterEach, describe, expect, it } from '@jest/globals'
import { AppError } from '@chatbox/core'
import { createClock } from '@chatbox/kit'
import jwt, { type JwtHeader, type SignOptions } from 'jsonwebtoken'
import { fetchKeySet, openKeySet } from './key-set.ts'
import { createOperatorList } from './operators/operator-list.ts'
import { createOperatorTokens } from './operators/operator-tokens.ts'
import { createTokenVerifier } from './verify-token.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const otherCurve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
const ed = generateKeyPairSync('ed25519')

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/keys`
}

const serveText = (text: string, status = 200) =>
  serve((_request, response) => response.writeHead(status).end(text))

const serveKeys = (...keys: unknown[]) => serveText(JSON.stringify({ keys }))

function toJwk({ publicKey }: { publicKey: KeyObject }, more: object = {}): JsonWebKey {
  return { ...publicKey.export({ format: 'jwk' }), ...more }
}

interface Signing extends SignOptions {
  key?: KeyObject
}

function sign({ key = rsa.privateKey, ...options }: Signing): string {
  return jwt.sign({ sub: 'u1' }, key, { algorithm: 'RS256', expiresIn: '1h', ...options })
}

const clock = createClock()
const operators = createOperatorTokens(createOperatorList([]), {
  operatorTokenKey: createSecretKey(Buffer.alloc(32, 7)),
  clock,
})

async function codeOf(jwksUrl: string, token: string): Promise<string> {
  const auth = { jwtSecret: undefined, jwksUrl, issuer: undefined, audience: undefined }
  try {
    await createTokenVerifier(auth, { clock, visitors: undefined, operators })(token)
    return 'accepted'
  } catch (error) {
    return error instanceof AppError ? error.code : 'no AppError'
  }
}

const named = { keyid: 'a' }
const byEc = { algorithm: 'ES256', key: ec.privateKey } as const
const byOtherCurve = {
  ...byEc,
  key: otherCurve.privateKey,
  allowInvalidAsymmetricKeyTypes: true,
}
const weak = { ...named, key: weakRsa.privateKey, allowInsecureKeySizes: true }
const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' })
const secret = { kty: 'oct', kid: 'a', k: Buffer.from(rsaPem).toString('base64url') }

const REFUSED: [string, unknown[], string][] = [
  ['no keys at all', [], sign(named)],
  ['a key of another name', [toJwk(rsa, { kid: 'b' })], sign(named)],
  ['a key without the name that is asked for', [toJwk(rsa)], sign(named)],
  ['another key of the name', [toJwk(otherRsa, { kid: 'a' })], sign(named)],
  ['two keys and a token without a name', [toJwk(rsa), toJwk(otherRsa)], sign({})],
  ['two keys of the name', [rsa, otherRsa].map((pair) => toJwk(pair, { kid: 'a' })), sign(named)],
  ['a key for encryption', [toJwk(rsa, { kid: 'a', use: 'enc' })], sign(named)],
  ['a key that may not verify', [toJwk(rsa, { kid: 'a', key_ops: ['sign'] })], sign(named)],
  ['key_ops as text', [toJwk(rsa, { kid: 'a', key_ops: 'verify' })], sign(named)],
  ['a key of another algorithm', [toJwk(rsa, { kid: 'a', alg: 'PS256' })], sign(named)],
  ['an alg that is no text', [toJwk(rsa, { kid: 'a', alg: ['RS256'] })], sign(named)],
  ['a key that is too short', [toJwk(weakRsa, { kid: 'a' })], sign(weak)],
  ['a private key', [rsa.privateKey.export({ format: 'jwk' })], sign({})],
  ['a key that is none', [{ kty: 'RSA', kid: 'a', n: 'AQAB', e: '' }], sign(named)],
  ['a key of another curve', [toJwk(otherCurve)], sign(byOtherCurve)],
  ['a key of another kind', [toJwk(ed, { kid: 'a' })], sign(named)],
  ['a secret', [secret], jwt.sign({ sub: 'u1' }, rsaPem, { expiresIn: '1h', keyid: 'a' })],
  ['the right key, PS256', [toJwk(rsa)], sign({ algorithm: 'PS256' })],
  ['the right key, RS512', [toJwk(rsa)], sign({ algorithm: 'RS512' })],
  ['the right key, HS256', [toJwk(rsa)], jwt.sign({ sub: 'u1' }, rsaPem, { expiresIn: '1h' })],
]

describe('tokens of a key set', () => {
  it.each(REFUSED)('are refused: %s', async (_what, keys, token) => {
    expect(await codeOf(await serveKeys(...keys), token)).toBe('UNAUTHORIZED')
  })

  it.each([
    ['by its name', [toJwk(otherRsa, { kid: 'b' }), toJwk(rsa, { kid: 'a' })], sign(named)],
    ['the only one of its algorithm', [toJwk(ec), toJwk(rsa)], sign({})],
    ['of two kinds with one name', [ec, rsa].map((pair) => toJwk(pair, { kid: 'a' })), sign(named)],
    ['of a curve', [toJwk(ec, { alg: 'ES256' })], sign(byEc)],
    ['beside one of another curve', [otherCurve, ec].map((pair) => toJwk(pair)), sign(byEc)],
    ['beside one that cannot be read', [{ kty: 'RSA', kid: 'b' }, toJwk(rsa)], sign({})],
    ['that may verify', [toJwk(rsa, { use: 'sig', key_ops: ['verify'] })], sign({})],
  ])('find their key: %s', async (_what, keys, token) => {
    expect(await codeOf(await serveKeys(...keys), token)).toBe('accepted')
  })

  it('name their key by text or not at all', async () => {
    const header: object = { alg: 'RS256', kid: null }
    const token = sign({ header: header as JwtHeader })
    expect(await codeOf(await serveKeys(toJwk(rsa)), token)).toBe('UNAUTHORIZED')
  })

  it.each([
    ['a fault', () => serveText('{"keys":[]}', 500)],
    ['nothing', () => serveText('')],
    ['a page', () => serveText('<html></html>')],
    ['a list', () => serveText('[]')],
    ['no keys', () => serveText('{}')],
    ['keys that are text', () => serveText('{"keys":"a"}')],
    ['a key that is null', () => serveText('{"keys":[null]}')],
    ['too much', () => serveText(JSON.stringify({ keys: [], pad: 'x'.repeat(300_000) }))],
    [
      'a cut',
      () => serve((_request, response) => void response.write('{', () => response.destroy())),
    ],
  ])('cannot be checked where the set answers with %s', async (_what, start) => {
    expect(await codeOf(await start(), sign({}))).toBe('UNAVAILABLE')
  })

  it('follow no redirect', async () => {
    const aim = await serveKeys(toJwk(rsa))
    const url = await serve((_request, response) =>
      response.writeHead(302, { location: aim }).end(),
    )
    expect(await codeOf(url, sign({}))).toBe('UNAVAILABLE')
  })

  it('wait for a set only so long, also in the middle of it', async () => {
    const url = await serve((_request, response) => void response.write('{"keys":['))
    await expect(fetchKeySet(url, 100)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('openKeySet', () => {
  it('fetches at most once in half a minute, whatever names are made up', async () => {
    let [asked, now] = [0, 0]
    const keys = [toJwk(rsa, { kid: 'a' })]
    const url = await serve((_request, response) => {
      asked++
      response.end(JSON.stringify({ keys }))
    })
    const keySet = openKeySet(url, () => now)
    const find = (kid: string) =>
      keySet.find('RS256', kid).then(
        () => true,
        () => false,
      )

    const names = Array.from({ length: 20 }, (_, index) => `made-up-${index}`)
    expect(await Promise.all(['a', ...names].map(find))).toEqual([true, ...names.map(() => false)])
    keys.push(toJwk(otherRsa, { kid: 'new' }))
    now = 29_999
    expect([await find('new'), asked]).toEqual([false, 1])
    now = 30_000
    expect([await find('new'), await find('a'), asked]).toEqual([true, true, 2])
  })
})
