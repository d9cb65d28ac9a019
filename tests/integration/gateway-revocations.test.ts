import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { HTTP_ROUTES } from '@chatbox/contract'
import jwt from 'jsonwebtoken'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { signToken, TEST_SECRET } from '../environment/tokens.ts'
import { API, askHttp, readRefusal, type Asked } from '../support/ask-http.ts'
import { HandshakeError, openChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway({ auth: { allowVisitors: true } })

const CLOSED_WITHIN_MS = 2000
/** Clocks may be this far apart, so tokens that come this much later are refused too. */
const SKEW_S = 10
const seconds = () => Math.floor(Date.now() / 1000)

const admin = () => signToken({ sub: 'boss', roles: ['admin'] })

async function revoke(userId: string, init: Asked = {}): Promise<Response> {
  const body = JSON.stringify({ userId })
  return askHttp(h, `${API}/admin/revocations`, {
    ...{ method: 'POST', token: await admin(), body },
    ...init,
  })
}

async function letIn(userId: string): Promise<void> {
  const route = `${API}/admin/revocations/${encodeURIComponent(userId)}`
  const response = await askHttp(h, route, { method: 'DELETE', token: await admin() })
  expect(response.status).toBe(204)
}

async function refusalOf(token: string, url = h.gateway.url): Promise<string> {
  return openChatUser({ url, token }).then(
    (user) => {
      user.close()
      return 'accepted'
    },
    (error: unknown) =>
      error instanceof HandshakeError ? (error.info?.code ?? 'none') : String(error),
  )
}

describe('a shut-out', () => {
  it('closes every socket of the user on two gateways, within 2 s, and nobody else', async () => {
    const other = await h.startOther()
    const mallory = { userId: 'mallory' }
    const sockets = [
      await h.connect(mallory),
      await h.connect(mallory),
      await h.connect({ ...mallory, url: other.url }),
    ]
    const bystander = await h.connect({ userId: 'ada', url: other.url })
    const startedAt = performance.now()
    expect((await revoke('mallory')).status).toBe(200)
    await Promise.all(sockets.map((user) => user.waitForClose(CLOSED_WITHIN_MS)))
    expect(performance.now() - startedAt).toBeLessThan(CLOSED_WITHIN_MS)
    for (const user of sockets) {
      expect(await user.waitFor('error')).toMatchObject({ code: 'UNAUTHORIZED' })
    }
    expect(bystander.closeReason()).toBeUndefined()
    await letIn('mallory')
  })

  it('refuses what was issued before, over sockets and HTTP, and what does not say when', async () => {
    const sub = 'ada@site.org/x y'
    await revoke(sub)
    const old = await signToken({ sub })
    const claims = { sub, exp: seconds() + 600 }
    const undated = jwt.sign(claims, TEST_SECRET, { noTimestamp: true })
    const fromAhead = await signToken({ sub, iat: seconds() + SKEW_S - 1 })
    const toCome = await signToken({ sub, iat: seconds() + 3600 })
    for (const token of [old, undated, fromAhead, toCome]) {
      expect(await refusalOf(token)).toBe('UNAUTHORIZED')
      const response = await askHttp(h, `${API}/models`, { token })
      expect(await readRefusal(response)).toEqual({ status: 401, code: 'UNAUTHORIZED' })
    }
    expect(await refusalOf(await signToken({ sub, iat: seconds() + SKEW_S + 2 }))).toBe('accepted')
    await letIn(sub)
    expect(await refusalOf(old)).toBe('accepted')
  })

  it('lets no old token take the place of a newer one', async () => {
    await revoke('paul')
    const paul = await h.connect({
      token: await signToken({ sub: 'paul', iat: seconds() + SKEW_S + 2 }),
    })
    const refused = await paul.refusal('token:refresh', { token: await signToken({ sub: 'paul' }) })
    expect(refused.code).toBe('UNAUTHORIZED')
    await letIn('paul')
  })

  it('holds in a gateway that starts later', async () => {
    await revoke('eve')
    const token = await signToken({ sub: 'eve' })
    const later = await h.startOther()
    expect(await refusalOf(token, later.url)).toBe('UNAUTHORIZED')
    await letIn('eve')
  })

  it('is not for the admin who asks, and says so', async () => {
    const refusal = await readRefusal(await revoke('boss'))
    expect(refusal).toEqual({ status: 409, code: 'CONFLICT' })
    for (const userId of ['', 'x'.repeat(256)]) {
      expect(await readRefusal(await revoke(userId))).toMatchObject({ code: 'INVALID_FORMAT' })
    }
  })

  it('gives a visitor who is shut out no new token', async () => {
    const visit = (cookie = '') =>
      askHttp(h, `${API}/visitors`, { method: 'POST', headers: { cookie } })
    const first = await visit()
    const cookie = (first.headers.get('set-cookie') ?? '').split(';')[0]
    const { token } = HTTP_ROUTES.createVisitor.response.parse(await first.json())
    const guest = await h.connect({ token })
    await revoke(guest.ready.user.id)
    await guest.waitForClose(CLOSED_WITHIN_MS)
    expect(await readRefusal(await visit(cookie))).toEqual({ status: 403, code: 'FORBIDDEN' })
    await letIn(guest.ready.user.id)
    expect((await visit(cookie)).status).toBe(200)
  })

  it('is listed, latest first, in pages, until it ends', async () => {
    for (const userId of ['one', 'two', 'three']) await revoke(userId)
    const list = async (query: string) => {
      const route = `${API}/admin/revocations?limit=2${query}`
      const response = await askHttp(h, route, { token: await admin() })
      return HTTP_ROUTES.listRevocations.response.parse(await response.json())
    }
    const first = await list('')
    expect(first.items.map(({ userId, by }) => [userId, by])).toEqual([
      ['three', 'boss'],
      ['two', 'boss'],
    ])
    expect((await list(`&cursor=${first.nextCursor}`)).items.map(({ userId }) => userId)).toEqual([
      'one',
    ])
    for (const userId of ['one', 'two', 'three']) await letIn(userId)
    expect(await list('')).toEqual({ items: [], nextCursor: null })
  })
})

describe('a gateway that has never read the revocations', () => {
  it('accepts no token until it has', async () => {
    let away = true
    const { revocations } = h.backend.ports
    const ports = {
      revocations: {
        put: revocations.put.bind(revocations),
        end: revocations.end.bind(revocations),
        find: revocations.find.bind(revocations),
        listChanges: (...args: Parameters<typeof revocations.listChanges>) =>
          away ? Promise.reject(new Error('away')) : revocations.listChanges(...args),
      },
    }
    const late = await h.startOther({}, ports)
    const token = await signToken({ sub: 'ada' })
    expect(await refusalOf(token, late.url)).toBe('UNAVAILABLE')
    away = false
    const deadline = performance.now() + CLOSED_WITHIN_MS
    let outcome = ''
    while (outcome !== 'accepted' && performance.now() < deadline) {
      outcome = await refusalOf(token, late.url)
    }
    expect(outcome).toBe('accepted')
  })
})

describeWithCluster('a shut-out over two processes', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await startTestCluster({})
  }, 90_000)
  afterAll(async () => {
    await cluster.stop()
  }, 60_000)

  it('holds on both within 2 s while Redis answers nothing', async () => {
    const [one = { url: '' }, two = { url: '' }] = cluster.gateways
    const sockets = await Promise.all(
      [one, two].map(({ url }) => openChatUser({ url, userId: 'mallory' })),
    )
    const { pid } = cluster.redis
    if (pid === undefined) throw new Error('this Redis is no process of ours')
    process.kill(pid, 'SIGSTOP')
    try {
      expect((await revoke('mallory', { url: one.url })).status).toBe(200)
      await Promise.all(sockets.map((user) => user.waitForClose(CLOSED_WITHIN_MS)))
      const token = await signToken({ sub: 'mallory' })
      for (const { url } of [one, two]) expect(await refusalOf(token, url)).toBe('UNAUTHORIZED')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  }, 30_000)
})
