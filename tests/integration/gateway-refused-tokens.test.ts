import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { errorInfoSchema } from '@chatbox/contract'
import jwt from 'jsonwebtoken'
import { API, askHttp, readRefusal } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { signToken } from '../environment/tokens.ts'

/** Refused tokens a minute and address. */
const LIMIT = 120
const h = useGateway({ server: { trustedProxies: ['127.0.0.1'] } })

interface From {
  address?: string
  url?: string
}

/** What a handshake with this token answers; undefined where it is let in. */
async function refusalOf(token: string, { address = '192.0.2.1', url = h.gateway.url }: From) {
  const raw = await h.connectRaw({ url, headers: { 'x-forwarded-for': address } })
  raw.socket.send(`40${JSON.stringify({ token })}`)
  const answer = await raw.waitForFrame((frame) => /^4[024]/u.test(frame))
  raw.end()
  if (!answer.startsWith('44')) return undefined
  return errorInfoSchema.parse((JSON.parse(answer.slice(2)) as { data: unknown }).data)
}

const codeOf = async (token: string, address: string) => (await refusalOf(token, { address }))?.code

describe('tokens that a handshake refuses', () => {
  it('are limited by address, while good ones of the same address come in', async () => {
    const address = '203.0.113.7'
    const codes: (string | undefined)[] = []
    for (let times = 0; times < LIMIT; times++) codes.push(await codeOf('nonsense', address))
    expect(new Set(codes)).toEqual(new Set(['UNAUTHORIZED']))
    // From now on each one also waits for a second.
    const startedAt = performance.now()
    for (let times = 0; times < 3; times++) {
      expect(await codeOf('nonsense', address)).toBe('TOO_MANY_REQUESTS')
    }
    expect(performance.now() - startedAt).toBeGreaterThan(2900)
    const triedAt = performance.now()
    const at = Array.from({ length: 300 }, () => codeOf('nonsense', address))
    expect(new Set(await Promise.all(at))).toEqual(new Set(['TOO_MANY_REQUESTS']))
    expect(performance.now() - triedAt).toBeLessThan(8000)

    const { retryAfterMs = 0 } = (await refusalOf('nonsense', { address })) ?? {}
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(retryAfterMs).toBeLessThanOrEqual(60_000)
    expect(await refusalOf(await signToken({ sub: 'colleague' }), { address })).toBeUndefined()
    expect(await codeOf('nonsense', '203.0.113.8')).toBe('UNAUTHORIZED')
    const asked = await askHttp(h, `${API}/models`, {
      token: 'nonsense',
      headers: { 'x-forwarded-for': address },
    })
    expect(await readRefusal(asked)).toEqual({ status: 429, code: 'TOO_MANY_REQUESTS' })
  })

  it('count whatever is wrong with them, and by the network of an IPv6 address', async () => {
    const early = await signToken({ sub: 'early', nbf: 9_999_999_999 })
    for (let times = 0; times < LIMIT; times += 2) {
      expect(await codeOf(early, `2001:db8:0:1::${times}`)).toBe('UNAUTHORIZED')
      expect(await codeOf('', '2001:db8:0:1::ffff')).toBe('UNAUTHORIZED')
    }
    expect(await codeOf(early, '2001:db8:0:1::a')).toBe('TOO_MANY_REQUESTS')
    expect(await codeOf(early, '2001:db8:0:2::a')).toBe('UNAUTHORIZED')
  })

  it('count apart where they were good once: an office wakes up all at once', async () => {
    const { url } = await h.startOther({
      ...{ server: { trustedProxies: ['127.0.0.1'] } },
      limits: { handshakesPerAddress: 150 },
    })
    const expired = await signToken({ sub: 'late', exp: 1000 })
    const asked = Array.from({ length: 151 }, () =>
      askHttp(h, `${API}/models`, {
        ...{ url, token: expired },
        headers: { 'x-forwarded-for': '198.18.0.1' },
      }),
    )
    const codes = await Promise.all(asked.map(async (answer) => readRefusal(await answer)))
    expect(codes.filter(({ code }) => code === 'TOKEN_EXPIRED')).toHaveLength(150)
    expect(codes.filter(({ code }) => code === 'TOO_MANY_REQUESTS')).toHaveLength(1)
  })

  it('count by the address of who connects, where no proxy is trusted', async () => {
    const { url } = await h.startOther()
    for (let times = 0; times < LIMIT; times++) {
      await refusalOf('nonsense', { url, address: `198.51.100.${times}` })
    }
    const last = await refusalOf('nonsense', { url, address: '198.51.100.200' })
    expect(last?.code).toBe('TOO_MANY_REQUESTS')
  })

  it('count for nothing while it cannot be known whether they are good', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const token = jwt.sign({ sub: 'u' }, privateKey, { algorithm: 'ES256', expiresIn: '1h' })
    const nowhere = 'http://127.0.0.1:1/keys'
    const auth = { jwtSecret: undefined, jwksUrl: nowhere, issuer: undefined, audience: undefined }
    const other = await h.startOther({ auth })
    for (let times = 0; times <= LIMIT; times++) {
      expect((await refusalOf(token, { url: other.url }))?.code).toBe('UNAVAILABLE')
    }
  })
})
