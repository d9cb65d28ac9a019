import { describe, expect, it } from '@jest/globals'
import { HTTP_ROUTES } from '@chatbox/contract'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'
import { API, askHttp } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { RawSocket } from '../support/raw-socket.ts'

const FLOODER = '203.0.113.1'
const OTHER = '203.0.113.2'
const CONNECTS_WITHIN_MS = 1000
const h = useGateway()

type Limits = NonNullable<Parameters<typeof h.startOther>[0]>['limits']

/** A gateway that believes in the addresses that a test names. */
const startAt = (limits: Limits) =>
  h.startOther({
    limits: { ...limits },
    server: { trustedProxies: ['127.0.0.1'] },
    auth: { allowVisitors: true },
  })

interface From {
  url: string
  address: string
}

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

/** Only the upgrade: no token follows. */
const upgrade = ({ url, address }: From) => h.connectRaw({ url, ...from(address) })

async function enter(place: From, token: string): Promise<RawSocket> {
  const raw = await upgrade(place)
  await raw.login(token)
  return raw
}

let users = 0
const enterAsUser = async (place: From) => enter(place, await signToken({ sub: `u${users++}` }))

async function enterAsVisitor(place: From): Promise<RawSocket> {
  const asked = { url: place.url, method: 'POST', ...from(place.address) }
  const answer = await askHttp(h, `${API}/visitors`, asked)
  return enter(place, HTTP_ROUTES.createVisitor.response.parse(await answer.json()).token)
}

/** The code of a refused upgrade or handshake, else `accepted`. */
async function refusalOf(entering: Promise<RawSocket>): Promise<string> {
  return entering.then(
    () => 'accepted',
    (error: unknown) =>
      /CONNECTION_LIMIT|TOO_MANY_REQUESTS|$/u.exec(String(error))?.[0] ?? 'unknown',
  )
}

async function timeOf(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work
  return performance.now() - startedAt
}

describe('the sockets of one address', () => {
  it('are limited on each gateway, and another address connects at once', async () => {
    const limits = { maxConnections: 100, maxConnectionsPerAddress: 10 }
    const pair = [await startAt(limits), await startAt(limits)]
    for (const { url } of pair) {
      for (let index = 0; index < 10; index++) await enterAsUser({ url, address: FLOODER })
      expect(await refusalOf(enterAsUser({ url, address: FLOODER }))).toBe('CONNECTION_LIMIT')
      expect(await timeOf(enterAsUser({ url, address: OTHER }))).toBeLessThan(CONNECTS_WITHIN_MS)
    }
  })

  it('are never all of a process, whatever the setting says', async () => {
    const { url } = await startAt({ maxConnections: 10, maxConnectionsPerAddress: 1000 })
    for (let index = 0; index < 8; index++) await enterAsUser({ url, address: FLOODER })
    expect(await refusalOf(enterAsUser({ url, address: FLOODER }))).toBe('CONNECTION_LIMIT')
    expect(await refusalOf(enterAsUser({ url, address: OTHER }))).toBe('accepted')
  })

  it('are those of a whole IPv6 network', async () => {
    const { url } = await startAt({ maxConnections: 100, maxConnectionsPerAddress: 2 })
    await enterAsUser({ url, address: '2001:db8:0:1::1' })
    await enterAsUser({ url, address: '2001:db8:0:1::2' })
    expect(await refusalOf(enterAsUser({ url, address: '2001:db8:0:1::3' }))).toBe(
      'CONNECTION_LIMIT',
    )
    expect(await refusalOf(enterAsUser({ url, address: '2001:db8:0:2::1' }))).toBe('accepted')
  })

  it('are free again once they are closed', async () => {
    const own = await startAt({ maxConnections: 100, maxConnectionsPerAddress: 2 })
    const place = { url: own.url, address: FLOODER }
    const first = await enterAsUser(place)
    await enterAsUser(place)
    expect(await refusalOf(enterAsUser(place))).toBe('CONNECTION_LIMIT')
    first.end()
    await waitUntil(() => own.connections() === 1)
    expect(await refusalOf(enterAsUser(place))).toBe('accepted')
  })
})

describe('a connection without a token', () => {
  it('is closed after 10 s', async () => {
    const raw = await upgrade({ url: h.gateway.url, address: OTHER })
    const startedAt = performance.now()
    await raw.closed
    expect(Math.abs(performance.now() - startedAt - 10_000)).toBeLessThan(2000)
  })

  it('keeps nobody out: neither others nor the users of its own address', async () => {
    const own = await startAt({ maxConnections: 20, maxConnectionsPerAddress: 1000 })
    const lingering: RawSocket[] = []
    for (let index = 0; index < 60; index++) {
      lingering.push(await upgrade({ url: own.url, address: `192.0.2.${index % 6}` }))
    }
    expect(own.connections()).toBeLessThanOrEqual(20)
    expect(await timeOf(enterAsUser({ url: own.url, address: OTHER }))).toBeLessThan(
      CONNECTS_WITHIN_MS,
    )
    const own2 = { url: own.url, address: '192.0.2.1' }
    expect(await timeOf(enterAsUser(own2))).toBeLessThan(CONNECTS_WITHIN_MS)
    await lingering[0]?.closed
  })

  it.each([
    ['a bad token', '40{"token":"nonsense"}'],
    ['no token', '40'],
    ['a token that is no text', '40{"token":{}}'],
  ])('is closed at once where it is refused: %s', async (_what, frame) => {
    const own = await startAt({})
    const raw = await upgrade({ url: own.url, address: OTHER })
    raw.socket.send(frame)
    expect(await timeOf(raw.closed)).toBeLessThan(1000)
    expect(raw.frames.at(-1)).toContain('UNAUTHORIZED')
    await waitUntil(() => own.connections() === 0)
  })
})

describe('visitors', () => {
  it('have a share of a process, and users always find a place', async () => {
    const { url } = await startAt({ maxConnections: 8, visitorConnections: 75 })
    for (let index = 0; index < 6; index++) {
      await enterAsVisitor({ url, address: `198.51.100.${index}` })
    }
    const late = enterAsVisitor({ url, address: '198.51.100.9' })
    expect(await refusalOf(late)).toBe('CONNECTION_LIMIT')
    expect(await refusalOf(enterAsUser({ url, address: OTHER }))).toBe('accepted')
  })

  it('have a share of an address: a colleague with a token comes in', async () => {
    const limits = { maxConnections: 100, maxConnectionsPerAddress: 4, visitorConnections: 75 }
    const place = { url: (await startAt(limits)).url, address: FLOODER }
    for (let index = 0; index < 3; index++) await enterAsVisitor(place)
    expect(await refusalOf(enterAsVisitor(place))).toBe('CONNECTION_LIMIT')
    expect(await refusalOf(enterAsUser(place))).toBe('accepted')
  })
})

describe('the handshakes of one address', () => {
  it('are limited over all gateways, and those of another address are not', async () => {
    const limits = { handshakesPerAddress: 20 }
    const pair = [await startAt(limits), await startAt(limits)]
    const codes: string[] = []
    for (let index = 0; index < 24; index++) {
      const { url } = pair[index % 2] ?? { url: '' }
      codes.push(await refusalOf(enterAsUser({ url, address: FLOODER })))
    }
    expect(codes.slice(0, 20)).toEqual(Array(20).fill('accepted'))
    expect(codes.slice(20)).toEqual(Array(4).fill('TOO_MANY_REQUESTS'))
    for (const { url } of pair) {
      expect(await timeOf(enterAsUser({ url, address: OTHER }))).toBeLessThan(CONNECTS_WITHIN_MS)
    }
  })
})
