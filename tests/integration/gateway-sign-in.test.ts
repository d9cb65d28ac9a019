import { createHash, hkdfSync } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { HTTP_ROUTES, type RouteAnswer } from '@chatbox/contract'
import jwt from 'jsonwebtoken'
import { API, askHttp, readRefusal } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { OptionChanges, TestPorts } from '../support/test-gateway.ts'
import { keepCookies } from '../environment/oidc-server.ts'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'

const OLGA = 'olga@site.org'
const BOSS = 'boss@site.org'
const LIST = [
  { address: OLGA, role: 'chat_admin' as const },
  { address: BOSS, role: 'admin' as const },
]

const delivered: { address: string; link: string }[] = []
const signInLinks = {
  deliver: async (address: string, link: string) => void delivered.push({ address, link }),
}
const h = useGateway({ operators: { list: LIST } }, (ports) => ({ ...ports, signInLinks }))
afterEach(() => {
  delivered.length = 0
})

const startOther = (more: OptionChanges = {}, ports: Partial<TestPorts> = {}) =>
  h.startOther({ operators: { list: LIST }, ...more }, ports)

interface Browser {
  url?: string
  /** The cookies, as `name=value`. */
  jar: Map<string, string>
}
const newBrowser = (url?: string): Browser => ({ jar: new Map(), ...(url ? { url } : {}) })

async function send(browser: Browser, route: string, init: RequestInit): Promise<Response> {
  const cookie = [...browser.jar].map((pair) => pair.join('=')).join('; ')
  const to = browser.url ? { url: browser.url } : {}
  const response = await askHttp(h, API + route, { ...init, headers: { cookie }, ...to })
  keepCookies(browser.jar, response)
  return response
}

const post = (browser: Browser, route: string, body: object) =>
  send(browser, route, { method: 'POST', body: JSON.stringify(body) })

const start = (browser: Browser, body: object) => post(browser, '/operators/sign-in', body)
const finish = (browser: Browser, body: object = {}) => post(browser, '/operators/token', body)

type Answer = RouteAnswer<'issueOperatorToken'>
const read = async (response: Response): Promise<Answer> =>
  HTTP_ROUTES.issueOperatorToken.response.parse(await response.json())

const secretOf = (link = '') => new URL(link).hash.replace('#sign-in=', '')

async function askLink(browser: Browser, address = OLGA): Promise<string> {
  const before = delivered.length
  expect((await start(browser, { way: 'link', address })).status).toBe(200)
  await waitUntil(async () => delivered.length > before)
  return secretOf(delivered.at(-1)?.link)
}

/** Makes a link without the limits of one address. */
async function makeLink(address = OLGA, endsInMs = 60_000): Promise<string> {
  const secret = createHash('sha256').update(crypto.randomUUID()).digest('base64url')
  const digest = createHash('sha256').update(`chatbox link ${secret}`).digest('base64url')
  const content = JSON.stringify({ address })
  await h.backend.ports.signInTickets.create({ digest, content }, endsInMs)
  return secret
}

async function signIn(browser: Browser, address = OLGA): Promise<Answer> {
  return read(await finish(browser, { link: await makeLink(address) }))
}

describe('a sign-in link', () => {
  it('signs an operator in, with a short token and a cookie of one route', async () => {
    const browser = newBrowser()
    const link = await askLink(browser, ' Olga@Site.org ')
    expect(delivered[0]?.address).toBe(OLGA)
    expect(delivered[0]?.link).toMatch(/\/chatbox\/console\/#sign-in=[\w-]{43}$/)
    const response = await finish(browser, { link })
    expect(response.headers.get('set-cookie')).toMatch(
      /^chatbox_operator-chatbox=[\w-]{43}; Max-Age=\d+; Path=\/chatbox\/api\/operators\/token; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    )
    const { token, expiresAt, user } = await read(response)
    expect(user).toMatchObject({ name: 'olga', roles: ['chat_admin'] })
    expect(user.id).toMatch(/^operator:[\w-]{22}$/)
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(15 * 60_000)
    const olga = await h.connect({ token })
    expect(olga.ready.user).toEqual(user)
    const { session } = await (await h.connect()).open()
    await olga.open({ sessionId: session.id })
    await olga.emit('takeover:start', { sessionId: session.id })
  })

  it('has a cookie for https alone where the public address is https', async () => {
    const other = await startOther({ server: { publicUrl: 'https://chat.example' } })
    const browser = newBrowser(other.url)
    const response = await finish(browser, { link: await makeLink() })
    expect(response.headers.get('set-cookie')).toMatch(
      /^__Host-chatbox_operator-chatbox=[\w-]{43}; Max-Age=\d+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
    )
  })

  it('works once, also for 20 at once over two gateways', async () => {
    const other = await startOther()
    const link = await makeLink()
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        finish(newBrowser(i % 2 ? other.url : undefined), { link }),
      ),
    )
    expect(tries.filter(({ status }) => status === 200)).toHaveLength(1)
    const refused = tries.find(({ status }) => status !== 200)
    expect(await refused?.json()).toMatchObject({
      error: { code: 'CONFLICT', message: 'This link was used already. Ask for another one.' },
    })
  })

  it('is refused late, unknown or malformed, each with what to do', async () => {
    const late = await makeLink(OLGA, 1)
    await waitUntil(async () => (await finish(newBrowser(), { link: late })).status === 401)
    const codes = [late, 'x'.repeat(43), 'x', '', '$ne', { $ne: null }].map(async (link) =>
      readRefusal(await finish(newBrowser(), { link })),
    )
    expect((await Promise.all(codes)).map(({ code }) => code)).toEqual([
      'TOKEN_EXPIRED',
      'UNAUTHORIZED',
      ...Array<string>(4).fill('INVALID_FORMAT'),
    ])
  })

  it('is refused in another browser where that is set, and still works in its own', async () => {
    const strict = await h.startOther({ operators: { list: LIST, sameBrowser: true } })
    const mine = newBrowser(strict.url)
    const link = await askLink(mine)
    for (const other of [newBrowser(strict.url), newBrowser(strict.url)]) {
      expect(await readRefusal(await finish(other, { link }))).toMatchObject({ code: 'FORBIDDEN' })
      other.jar.set('chatbox_sign_in-chatbox', 'x'.repeat(43))
      expect(await readRefusal(await finish(other, { link }))).toMatchObject({ code: 'FORBIDDEN' })
    }
    expect((await finish(mine, { link })).status).toBe(200)
  })

  it('gives no hint whether an address is known, and counts both alike', async () => {
    const answers = async (address: string) => {
      const seen: unknown[] = []
      for (let times = 0; times < 4; times++) {
        const response = await start(newBrowser(), { way: 'link', address })
        const body = (await response.json()) as {
          error?: { requestId: string; retryAfterMs: number }
        }
        if (body.error) Object.assign(body.error, { requestId: '', retryAfterMs: 0 })
        seen.push([response.status, body, response.headers.getSetCookie().length])
      }
      return seen
    }
    const known = await answers(BOSS)
    expect(known.map((answer) => (answer as number[])[0])).toEqual([200, 200, 200, 429])
    expect(await answers('nobody@site.org')).toEqual(known)
    await waitUntil(async () => delivered.length === 3)
    expect(delivered.map(({ address }) => address)).toEqual([BOSS, BOSS, BOSS])
  })

  it('is begun only so often from one address, over two gateways', async () => {
    const server = { trustedProxies: ['127.0.0.1'] }
    const urls = [(await startOther({ server })).url, (await startOther({ server })).url]
    const tries = async (from: string, times: number) =>
      Promise.all(
        Array.from({ length: times }, async (_, i) => {
          const address = `${crypto.randomUUID()}@site.org`
          const headers = { 'x-forwarded-for': from }
          const init = { method: 'POST', headers, body: JSON.stringify({ way: 'link', address }) }
          const url = urls[i % 2] ?? ''
          return (await askHttp(h, `${API}/operators/sign-in`, { ...init, url })).status
        }),
      )
    const answers = await tries('203.0.113.7', 70)
    expect(answers.filter((status) => status === 200)).toHaveLength(60)
    expect(answers.filter((status) => status === 429)).toHaveLength(10)
    expect(await tries('203.0.113.8', 1)).toEqual([200])
  })

  it('is not known to the store, neither as it is nor to whom', async () => {
    const seen: string[] = []
    const { signInTickets } = h.backend.ports
    const spied = {
      create: (...args: Parameters<typeof signInTickets.create>) => {
        seen.push(args[0].digest)
        return signInTickets.create(...args)
      },
      use: signInTickets.use.bind(signInTickets),
    }
    const other = await startOther({}, { signInTickets: spied })
    const link = await (async () => {
      await start(newBrowser(other.url), { way: 'link', address: 'olga@site.org' })
      await waitUntil(async () => delivered.length > 0)
      return secretOf(delivered[0]?.link)
    })()
    expect(seen).toHaveLength(1)
    expect(seen).not.toContain(link)
  })

  it('is not offered where nothing delivers it', async () => {
    const other = await startOther({}, { signInLinks: undefined })
    const ways = await askHttp(h, `${API}/operators/sign-in`, { url: other.url })
    expect(await ways.json()).toEqual({ ways: [] })
    const refused = await start(newBrowser(other.url), { way: 'link', address: OLGA })
    expect(await readRefusal(refused)).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('is made for the first admin at the start', async () => {
    const link = await h.gateway.createSignInLink()
    const { user } = await read(await finish(newBrowser(), { link: secretOf(link) }))
    expect(user).toMatchObject({ name: 'boss', roles: ['admin'] })
  })
})

describe('an operator’s token', () => {
  it('is renewed by the cookie, which is new each time', async () => {
    const browser = newBrowser()
    const first = await signIn(browser)
    const cookies = new Set<unknown>()
    for (let times = 0; times < 3; times++) {
      cookies.add(browser.jar.get('chatbox_operator-chatbox'))
      expect((await read(await finish(browser))).user).toEqual(first.user)
    }
    expect(cookies.size).toBe(3)
  })

  it('is renewed by two tabs at once, one after the other', async () => {
    const browser = newBrowser()
    await signIn(browser)
    const both = await Promise.all([finish(browser), finish(browser)])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    const lost = both.find(({ status }) => status === 409)
    expect(await lost?.json()).toMatchObject({ error: { code: 'CONFLICT', retryable: true } })
    expect((await finish(browser)).status).toBe(200)
  })

  it('is not renewed without the cookie, from another site, after its end or a sign-out', async () => {
    expect(await readRefusal(await finish(newBrowser()))).toMatchObject({ code: 'UNAUTHORIZED' })
    const browser = newBrowser()
    await signIn(browser)
    const stolen: Browser = { jar: new Map(browser.jar) }
    const cross = await askHttp(h, `${API}/operators/token`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    expect(await readRefusal(cross)).toMatchObject({ code: 'FORBIDDEN' })
    expect((await send(browser, '/operators/token', { method: 'DELETE' })).status).toBe(204)
    expect(browser.jar.has('chatbox_operator-chatbox')).toBe(false)
    expect((await finish(stolen)).status).not.toBe(200)
  })

  it('is renewed no longer than a sign-in lasts', async () => {
    const sessionMs = 15 * 60_000
    const { clock } = h.backend.ports
    let passedMs = 0
    const later = { ...clock, now: () => new Date(clock.now().getTime() + passedMs) }
    const short = await startOther({ operators: { list: LIST, sessionMs } }, { clock: later })
    const browser = newBrowser(short.url)
    await signIn(browser)
    passedMs = sessionMs - 60_000
    await read(await finish(browser))
    passedMs = sessionMs + 1
    expect(await readRefusal(await finish(browser))).toMatchObject({ code: 'UNAUTHORIZED' })
  })

  it('has the role of the list at once, and none for one who is no operator any more', async () => {
    const browser = newBrowser()
    const { token } = await signIn(browser)
    const changed = await h.startOther({ operators: { list: [{ address: OLGA, role: 'admin' }] } })
    expect((await h.connect({ token, url: changed.url })).ready.user.roles).toEqual(['admin'])
    const without = await h.startOther({ operators: { list: [{ address: BOSS, role: 'admin' }] } })
    const models = await askHttp(h, `${API}/models`, { token, url: without.url })
    expect(await readRefusal(models)).toMatchObject({ code: 'UNAUTHORIZED' })
  })

  it('ends on every gateway within 2 s after a renewal that finds other roles', async () => {
    const browser = newBrowser()
    const { token } = await signIn(browser)
    const old = await h.connect({ token })
    const changed = await h.startOther({ operators: { list: [{ address: OLGA, role: 'admin' }] } })
    browser.url = changed.url
    const renewed = await read(await finish(browser))
    expect(renewed.user.roles).toEqual(['admin'])
    await old.waitForClose(2000)
    await h.connect({ token: renewed.token, url: changed.url })
    // The next renewal finds nothing new.
    await read(await finish(browser))
    await h.connect({ token: renewed.token, url: changed.url })
  })

  it('ends with its operator, who gets no other while shut out', async () => {
    const browser = newBrowser()
    const { token, user } = await signIn(browser, BOSS)
    const boss = await h.connect({ token })
    const admin = await signToken({ sub: 'chief', roles: ['admin'] })
    const body = JSON.stringify({ userId: user.id })
    await askHttp(h, `${API}/admin/revocations`, { method: 'POST', token: admin, body })
    await boss.waitForClose(2000)
    expect(await readRefusal(await finish(browser))).toMatchObject({ code: 'FORBIDDEN' })
    const again = await finish(newBrowser(), { link: await makeLink(BOSS) })
    expect(await readRefusal(again)).toMatchObject({ code: 'FORBIDDEN' })
    const route = `${API}/admin/revocations/${encodeURIComponent(user.id)}`
    await askHttp(h, route, { method: 'DELETE', token: admin })
    await signIn(newBrowser(), BOSS)
  })

  it('cannot be signed with what users see of the keys', async () => {
    const names = ['chatbox operator token, 1', 'chatbox operator token, 2', 'operator token key']
    const marks = await Promise.all(
      names.map(async (userId) => (await (await h.connect({ userId })).open()).session.id),
    )
    const seen = marks.map((sessionId) => sessionId.split('.').at(-1) ?? '')
    const guesses = [seen.slice(0, 2).join(''), ...seen, h.backend.ports.pseudonym('')].flatMap(
      (words) =>
        ['chatbox operator token', 'chatbox operator token key', 'chatbox pseudonym'].map((label) =>
          Buffer.from(hkdfSync('sha256', words, '', label, 32)),
        ),
    )
    const claims = { sub: 'operator:forged', roles: ['admin'], iss: 'chatbox-operators' }
    for (const key of guesses) {
      const token = jwt.sign(claims, key, { algorithm: 'HS256', expiresIn: 600 })
      const response = await askHttp(h, `${API}/admin/revocations`, { token })
      expect(await readRefusal(response)).toEqual({ status: 401, code: 'UNAUTHORIZED' })
    }
  })

  it.each([
    ['nothing of both', { code: 'x' }],
    ['a link and a code', { link: 'x'.repeat(43), code: 'x', state: 'x'.repeat(43) }],
    ['more than it knows', { password: 'x' }],
  ])('is refused for %s, with nothing changed', async (_what, body) => {
    expect(await readRefusal(await finish(newBrowser(), body))).toEqual({
      status: 400,
      code: 'INVALID_FORMAT',
    })
  })
})
