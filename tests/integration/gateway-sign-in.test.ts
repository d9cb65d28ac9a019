import { describe, expect, it } from '@jest/globals'
import { API, askHttp, readRefusal } from '../support/ask-http.ts'
import { waitUntil } from '../environment/wait-until.ts'

import { BOSS, LIST, OLGA, useSignIn } from './sign-in.support.ts'
const { delivered, h, startOther, newBrowser, start, finish, read, secretOf, askLink, makeLink } =
  useSignIn()

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
