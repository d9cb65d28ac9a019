import { hkdfSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import jwt from 'jsonwebtoken'
import { API, askHttp, readRefusal } from '../support/ask-http.ts'
import { signToken } from '../environment/tokens.ts'

import { BOSS, LIST, OLGA, useSignIn, type Browser } from './sign-in.support.ts'
const { h, startOther, newBrowser, send, finish, read, makeLink, signIn } = useSignIn()

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
