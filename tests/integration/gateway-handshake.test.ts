import { describe, expect, it } from '@jest/globals'
import jwt from 'jsonwebtoken'
import { override } from '../environment/override.ts'
import { HandshakeError, type ChatUserOptions } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { signToken, TEST_SECRET } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'

const h = useGateway()

/** The code of a refused handshake, else `accepted`. */
async function refusalOf(options: Partial<ChatUserOptions>): Promise<string | undefined> {
  try {
    await h.connect(options)
    return 'accepted'
  } catch (error) {
    return error instanceof HandshakeError ? (error.info?.code ?? error.message) : String(error)
  }
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

describe('the handshake', () => {
  it('answers who came in, the models and the limits', async () => {
    const user = await h.connect({ userId: 'ann', name: 'Ann' })
    expect(user.ready).toMatchObject({
      protocol: 1,
      user: { id: 'ann', name: 'Ann', roles: ['user'] },
      models: [
        { id: 'demo', name: 'Demo' },
        { id: 'other', name: 'Other' },
      ],
      limits: {
        contentLength: 10_000,
        messageBytes: 65_536,
        historyPage: 200,
        reconnectTimeoutMs: 900_000,
      },
    })
  })

  it.each([
    ['none', async () => '', 'UNAUTHORIZED'],
    ['an expired one', () => signToken({ sub: 'u', exp: inSeconds(-60) }), 'TOKEN_EXPIRED'],
    ['one of another key', () => signToken({ sub: 'u' }, 'x'.repeat(40)), 'UNAUTHORIZED'],
    [
      'one of alg none',
      async () => `${btoa('{"alg":"none"}')}.${btoa('{"sub":"u","exp":9999999999}')}.`,
      'UNAUTHORIZED',
    ],
    ['one without exp', async () => jwt.sign({ sub: 'u' }, TEST_SECRET), 'UNAUTHORIZED'],
  ])('refuses a token: %s', async (_what, makeToken, code) => {
    expect(await refusalOf({ token: await makeToken() })).toBe(code)
  })

  it('refuses a token of another issuer', async () => {
    const auth = { jwtSecret: TEST_SECRET, jwksUrl: undefined, issuer: 'me', audience: undefined }
    const strict = await h.startOther({ auth })
    expect(await refusalOf({ url: strict.url })).toBe('UNAUTHORIZED')
    const token = await signToken({ sub: 'u', iss: 'me' })
    expect(await refusalOf({ url: strict.url, token })).toBe('accepted')
  })

  it('takes no token from the address', async () => {
    const token = await signToken({ sub: 'u' })
    const raw = await h.connectRaw({
      url: h.gateway.url,
      query: `EIO=4&transport=websocket&token=${token}`,
    })
    raw.socket.send('40')
    expect(await raw.waitForFrame((frame) => frame.startsWith('44'))).toContain('UNAUTHORIZED')
  })

  it.each([
    [{ origin: 'https://evil.example' }, 'FORBIDDEN'],
    [{ origin: 'https://shop.example.evil.example' }, 'FORBIDDEN'],
    [{ origin: 'http://shop.example' }, 'FORBIDDEN'],
    [{ origin: 'https://shop.example:8443' }, 'FORBIDDEN'],
    [{ origin: 'https://SHOP.example' }, 'FORBIDDEN'],
    [{ origin: 'null' }, 'FORBIDDEN'],
    [{ origin: '' }, 'FORBIDDEN'],
  ])('refuses %j before there is a socket', async (headers, status) => {
    await waitUntil(() => h.gateway.connections() === 0)
    await expect(h.connectRaw({ url: h.gateway.url, headers })).rejects.toThrow(status)
    expect(h.gateway.connections()).toBe(0)
  })

  it('takes an allowed origin, and a client that is no browser', async () => {
    expect(await refusalOf({ origin: 'https://shop.example' })).toBe('accepted')
    expect(await refusalOf({})).toBe('accepted')
  })

  it.each([
    ['EIO=3&transport=websocket', 'status 400'],
    ['transport=websocket', 'status 400'],
    ['EIO=4&transport=polling', 'status 400'],
    ['EIO=4&transport=webtransport', 'status 400'],
    ['EIO=4', 'status 400'],
    ['EIO=4&transport=websocket&sid=__proto__', 'status 400'],
  ])('refuses %s', async (query, status) => {
    await expect(h.connectRaw({ url: h.gateway.url, query })).rejects.toThrow(status)
  })

  it('lets nobody come back to an open connection, with any origin', async () => {
    const raw = await h.connectRaw({ url: h.gateway.url })
    const hello = await raw.waitForFrame((frame) => frame.startsWith('0'))
    const { sid } = JSON.parse(hello.slice(1)) as { sid: string }
    const query = `EIO=4&transport=websocket&sid=${sid}`
    for (const origin of ['https://evil.example', 'https://shop.example']) {
      await expect(
        h.connectRaw({ url: h.gateway.url, query, headers: { origin } }),
      ).rejects.toThrow('status 400')
    }
    const polled = await fetch(
      `${h.gateway.url}/chatbox/socket.io/?EIO=4&transport=polling&sid=${sid}`,
      {
        method: 'POST',
        body: '40',
      },
    )
    expect(polled.status).toBe(400)
  })

  it('has one try on each connection', async () => {
    const raw = await h.connectRaw({ url: h.gateway.url })
    const token = await signToken({ sub: 'u' })
    raw.socket.send('40{"token":"nonsense"}')
    raw.socket.send(`40${JSON.stringify({ token })}`)
    await waitUntil(() => raw.frames.filter((frame) => frame.startsWith('44')).length === 2)
  })
})

describe('limits of connections', () => {
  it('holds for one user, over all gateways, and again once one has left', async () => {
    const pair = [
      await h.startOther({ limits: { maxConnectionsPerUser: 2 } }),
      await h.startOther({ limits: { maxConnectionsPerUser: 2 } }),
    ]
    const [one, two] = pair.map(({ url }) => ({ url, userId: 'many' }))
    if (!one || !two) throw new Error('no gateways')
    const first = await h.connect(one)
    await h.connect(two)
    expect(await refusalOf(two)).toBe('CONNECTION_LIMIT')
    expect(await refusalOf({ ...two, userId: 'somebody else' })).toBe('accepted')
    first.close()
    await waitUntil(async () => (await h.backend.ports.presence.count('many')) === 1)
    expect(await refusalOf(two)).toBe('accepted')
  })

  it('holds for one gateway', async () => {
    const small = await h.startOther({ limits: { maxConnections: 2 } })
    await h.connect({ url: small.url })
    const second = await h.connect({ url: small.url })
    await expect(h.connectRaw({ url: small.url })).rejects.toThrow('CONNECTION_LIMIT')
    second.close()
    await waitUntil(() => small.connections() === 1)
    expect(await refusalOf({ url: small.url })).toBe('accepted')
  })

  it('leaves no trace of a socket that is gone', async () => {
    const user = await h.connect({ userId: 'leaver' })
    await user.open()
    user.socket.io.engine.close()
    await waitUntil(async () => (await h.backend.ports.presence.count('leaver')) === 0)
    await waitUntil(() => h.gateway.connections() === 0)
  })

  it('leaves no trace of a socket that went away during its handshake', async () => {
    const { presence } = h.backend.ports
    const reached = Promise.withResolvers<undefined>()
    const held = Promise.withResolvers<undefined>()
    const slow = override(presence, {
      async join(userId, connectionId) {
        reached.resolve(undefined)
        await held.promise
        return await presence.join(userId, connectionId)
      },
    })
    const own = await h.startOther({}, { presence: slow })
    const raw = await h.connectRaw({ url: own.url })
    raw.socket.send(`40${JSON.stringify({ token: await signToken({ sub: 'hasty' }) })}`)
    await reached.promise
    raw.end()
    await waitUntil(() => own.connections() === 0)
    held.resolve(undefined)
    await waitUntil(async () => (await presence.count('hasty')) === 0)
  })
})
