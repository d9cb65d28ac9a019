import { hkdfSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { HTTP_ROUTES } from '@chatbox/contract'
import jwt from 'jsonwebtoken'
import { VISITOR_ISSUER } from '../../services/gateway/src/auth/visitor-tokens.ts'
import { TEST_SECRET } from '../environment/tokens.ts'
import { API, askHttp, readRefusal, type Asked } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway({ auth: { allowVisitors: true } })

const POST = { method: 'POST', token: '' }
const ask = (route: string, init: Asked = {}) => askHttp(h, route, init)

describe('visitors', () => {
  const visit = (headers: Record<string, string> = {}, url = h.gateway.url) =>
    ask(`${API}/visitors`, { ...POST, headers, url })
  const subjectOf = (shown: string) =>
    (JSON.parse(atob(shown.split('.')[1] ?? '')) as { sub: string }).sub

  it('get a short token, and the same name when they come back with their cookie', async () => {
    const first = await visit()
    const body = HTTP_ROUTES.createVisitor.response.parse(await first.json())
    const minutes = (Date.parse(body.expiresAt) - Date.now()) / 60_000
    expect(minutes).toBeGreaterThan(13)
    expect(minutes).toBeLessThanOrEqual(15)
    const cookie = first.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(
      /^chatbox_visitor-chatbox=[\w.-]+; Max-Age=2592000; Path=\/chatbox\/api\/visitors; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    )
    expect(subjectOf(body.token)).toMatch(/^visitor:[\da-f-]{36}$/)

    const pair = cookie.split(';')[0] ?? ''
    const again = HTTP_ROUTES.createVisitor.response.parse(
      await (await visit({ cookie: pair })).json(),
    )
    expect(subjectOf(again.token)).toBe(subjectOf(body.token))
    const stranger = HTTP_ROUTES.createVisitor.response.parse(await (await visit()).json())
    expect(subjectOf(stranger.token)).not.toBe(subjectOf(body.token))
    const forged = HTTP_ROUTES.createVisitor.response.parse(
      await (await visit({ cookie: `chatbox_visitor-chatbox=${body.token}` })).json(),
    )
    expect(subjectOf(forged.token)).not.toBe(subjectOf(body.token))

    const guest = await h.connect({ token: body.token })
    expect((await guest.open()).session.userId).toBe(subjectOf(body.token))
  })

  it('are not made from another site, whatever origin it says', async () => {
    const cross = await visit({ 'sec-fetch-site': 'cross-site', origin: 'https://shop.example' })
    expect(await readRefusal(cross)).toEqual({ status: 403, code: 'FORBIDDEN' })
    expect(cross.headers.get('set-cookie')).toBeNull()
    expect((await visit({ origin: 'https://evil.example' })).status).toBe(403)
    expect(
      (await visit({ 'sec-fetch-site': 'same-origin', origin: 'https://shop.example' })).status,
    ).toBe(200)
    expect((await ask(`${API}/visitors`, { token: '' })).status).toBe(404)
  })

  it('have a cookie for https alone where the public address is https', async () => {
    const options = { server: { publicUrl: 'https://chat.example' }, auth: { allowVisitors: true } }
    const other = await h.startOther(options)
    const cookie = (await visit({}, other.url)).headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(
      /^__Host-chatbox_visitor-chatbox=[\w.-]+; Max-Age=2592000; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
    )
    const [pair = ''] = cookie.split(';')
    const visitWith = async (sent: string) => {
      const answer: unknown = await (await visit({ cookie: sent }, other.url)).json()
      return subjectOf(HTTP_ROUTES.createVisitor.response.parse(answer).token)
    }
    const first = await visitWith(pair)
    expect(await visitWith(pair)).toBe(first)
    // Another host of the domain can set a cookie of any name but one with the prefix.
    expect(await visitWith(pair.replace('__Host-', ''))).not.toBe(first)
  })

  describe('who come back with the cookie of the version before', () => {
    /** As that version signed it: without a word on its own version. */
    const formerProof = (sub: string, expiresIn = 60) => {
      const key = hkdfSync('sha256', TEST_SECRET, '', 'chatbox visitor proof', 32)
      const claims = {
        algorithm: 'HS256',
        issuer: VISITOR_ISSUER,
        subject: sub,
        expiresIn,
      } as const
      return jwt.sign({}, Buffer.from(key), claims)
    }
    const FORMER = 'chatbox_visitor'
    const startHttps = () =>
      h.startOther({
        server: { publicUrl: 'https://chat.example' },
        auth: { allowVisitors: true },
      })
    const visitWith = async (url: string, cookie: string) => {
      const answer = await visit({ cookie }, url)
      const { token } = HTTP_ROUTES.createVisitor.response.parse(await answer.json())
      return { id: subjectOf(token), set: answer.headers.getSetCookie() }
    }

    it('stay who they were, and get the new cookie', async () => {
      const { url } = await startHttps()
      const { id, set } = await visitWith(url, `a=b; ${FORMER}=${formerProof('visitor:old')}`)
      expect(id).toBe('visitor:old')
      expect(set).toEqual([expect.stringMatching(/^__Host-chatbox_visitor-chatbox=/u)])
      const [pair = ''] = set[0]?.split(';') ?? []
      expect((await visitWith(url, pair)).id).toBe('visitor:old')
    })

    it('stay who they were over http too, and where the cookie needs no other name', async () => {
      const cookie = `${FORMER}=${formerProof('visitor:old')}`
      const { id, set } = await visitWith(h.gateway.url, cookie)
      expect([id, set]).toEqual(['visitor:old', [expect.stringMatching(/^chatbox_visitor-chat/u)]])
      const bare = await h.startOther({ server: { pathPrefix: '' }, auth: { allowVisitors: true } })
      const answer = await ask('/api/visitors', { ...POST, headers: { cookie }, url: bare.url })
      const { token } = HTTP_ROUTES.createVisitor.response.parse(await answer.json())
      expect(subjectOf(token)).toBe('visitor:old')
    })

    it('are not who they are said to be by a proof that any visitor can get now', async () => {
      const { url } = await startHttps()
      const [own = ''] = (await visit({}, url)).headers.getSetCookie()
      const [, proof = ''] = /=([^;]+)/u.exec(own) ?? []
      const attacker = (await visitWith(url, `__Host-chatbox_visitor-chatbox=${proof}`)).id
      expect((await visitWith(url, `${FORMER}=${proof}`)).id).not.toBe(attacker)
    })

    it('are who the new cookie says, where there are both', async () => {
      const { url } = await startHttps()
      const [first] = (await visit({}, url)).headers.getSetCookie()
      const [pair = ''] = first?.split(';') ?? []
      const known = (await visitWith(url, pair)).id
      const former = `${FORMER}=${formerProof('visitor:planted')}`
      expect((await visitWith(url, `${former}; ${pair}`)).id).toBe(known)
      expect((await visitWith(url, `__Host-chatbox_visitor-chatbox=broken; ${former}`)).id).toMatch(
        /:[\da-f-]{36}$/,
      )
    })

    it.each([
      ['is too old', () => formerProof('visitor:old', -1)],
      ['is signed by somebody else', () => jwt.sign({ sub: 'visitor:old' }, 'x'.repeat(32))],
      ['is empty', () => ''],
    ])('are new where it %s', async (_case, toProof) => {
      const { url } = await startHttps()
      expect((await visitWith(url, `${FORMER}=${toProof()}`)).id).toMatch(/^visitor:[\da-f-]{36}$/)
    })
  })

  describe('who want to be forgotten', () => {
    const forget = (url: string, headers: Record<string, string> = {}) =>
      ask(`${API}/visitors`, { method: 'DELETE', token: '', headers, url })
    const GONE = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly'

    it('have no cookie any more, neither of this nor of an earlier version', async () => {
      const answer = await forget(h.gateway.url)
      expect([answer.status, await answer.text()]).toEqual([204, ''])
      const path = 'Path=/chatbox/api/visitors'
      expect(answer.headers.getSetCookie()).toEqual([
        `chatbox_visitor-chatbox=; ${path}; ${GONE}; SameSite=Strict`,
        `chatbox_visitor=; ${path}; ${GONE}; SameSite=Strict`,
      ])
      const other = await h.startOther({ server: { publicUrl: 'https://chat.example' } })
      expect((await forget(other.url)).headers.getSetCookie()).toEqual([
        `__Host-chatbox_visitor-chatbox=; Path=/; ${GONE}; Secure; SameSite=Strict`,
        `chatbox_visitor=; ${path}; ${GONE}; Secure; SameSite=Strict`,
      ])
    })

    it('are not made to by another site', async () => {
      const cross = await forget(h.gateway.url, { 'sec-fetch-site': 'cross-site' })
      expect(await readRefusal(cross)).toEqual({ status: 403, code: 'FORBIDDEN' })
      expect(cross.headers.get('set-cookie')).toBeNull()
      expect((await forget(h.gateway.url, { origin: 'https://evil.example' })).status).toBe(403)
    })
  })

  it('are not let in where the settings do not say so', async () => {
    const { token: shown } = HTTP_ROUTES.createVisitor.response.parse(await (await visit()).json())
    const other = await h.startOther()
    expect(await readRefusal(await visit({}, other.url))).toEqual({
      status: 403,
      code: 'FORBIDDEN',
    })
    expect((await ask(`${API}/models`, { url: other.url, token: shown })).status).toBe(401)
  })
})
