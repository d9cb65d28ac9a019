import { describe, expect, it } from '@jest/globals'
import { HTTP_ROUTES } from '@chatbox/contract'
import { API, askHttp, readRefusal, type Asked } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway({ auth: { allowVisitors: true } })

const ask = (route: string, init: Asked = {}) => askHttp(h, route, init)

describe('visitors', () => {
  const visit = (headers: Record<string, string> = {}, url = h.gateway.url) =>
    ask(`${API}/visitors`, { method: 'POST', token: '', headers, url })
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
