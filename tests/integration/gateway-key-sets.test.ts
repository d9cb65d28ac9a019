import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import jwt from 'jsonwebtoken'
import { API, askHttp, readRefusal, type Asked } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { signToken } from '../environment/tokens.ts'

const h = useGateway()

const ask = (route: string, init: Asked = {}) => askHttp(h, route, init)

describe('tokens of a key set', () => {
  let keyServer: Server
  let jwksUrl: string
  let asked = 0
  let isBroken = false
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  }
  const algorithms = ['RS256', 'ES256'] as const

  beforeAll(async () => {
    const keys = algorithms.map((alg) => ({
      ...pairs[alg].publicKey.export({ format: 'jwk' }),
      alg,
      kid: alg,
    }))
    keyServer = createServer((_request, response) => {
      asked++
      response.statusCode = isBroken ? 500 : 200
      response.end(JSON.stringify({ keys }))
    }).listen(0, '127.0.0.1')
    await once(keyServer, 'listening')
    const address = keyServer.address()
    jwksUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/jwks`
  })

  afterAll(() => void keyServer.close())

  const sign = (algorithm: keyof typeof pairs, keyid: string = algorithm) =>
    jwt.sign({ sub: 'from-set' }, pairs[algorithm].privateKey, {
      ...{ algorithm, keyid },
      expiresIn: '1h',
    })
  const auth = () => ({ jwtSecret: undefined, jwksUrl, issuer: undefined, audience: undefined })

  it('are taken when a key of the set signed them, and no secret counts', async () => {
    const other = await h.startOther({ auth: auth() })
    for (const alg of algorithms) {
      expect((await ask(`${API}/models`, { url: other.url, token: sign(alg) })).status).toBe(200)
    }
    expect(
      await readRefusal(
        await ask(`${API}/models`, { url: other.url, token: await signToken({ sub: 'u' }) }),
      ),
    ).toMatchObject({
      status: 401,
    })
    const before = asked
    for (let times = 0; times < 50; times++) {
      const unknown = sign('RS256', `kid-${times}`)
      expect((await ask(`${API}/models`, { url: other.url, token: unknown })).status).toBe(401)
    }
    expect(asked - before).toBeLessThanOrEqual(3)
    isBroken = true
    expect((await ask(`${API}/models`, { url: other.url, token: sign('ES256') })).status).toBe(200)
  })

  it('cannot be checked while the set is away, which is no fault of the token', async () => {
    const other = await h.startOther({ auth: auth() })
    const response = await ask(`${API}/models`, { url: other.url, token: sign('RS256') })
    expect(await readRefusal(response)).toEqual({ status: 503, code: 'UNAVAILABLE' })
    isBroken = false
    expect((await ask(`${API}/models`, { url: other.url, token: sign('RS256') })).status).toBe(200)
  })

  it('come without visitors, who need a secret', async () => {
    const options = { auth: { ...auth(), allowVisitors: true } }
    await expect(startTestGateway(h.backend.ports, options)).rejects.toThrow('ALLOW_VISITORS')
  })
})
