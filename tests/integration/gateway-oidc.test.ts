import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { HTTP_ROUTES, type RouteAnswer } from '@chatbox/contract'
import { keepCookies, startOidcServer, type OidcServer } from '../environment/oidc-server.ts'
import { API, askHttp, readRefusal } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { OptionChanges, TestGateway } from '../support/test-gateway.ts'

const PUBLIC_URL = 'https://chat.example'
const REDIRECT = `${PUBLIC_URL}/chatbox/console/`
const GRANT = '__Host-chatbox_operator-chatbox'
const LIST = [{ address: 'olga@site.org', role: 'chat_admin' as const }]

const h = useGateway()
let provider: OidcServer

beforeAll(async () => {
  provider = await startOidcServer(REDIRECT)
  const account = { email: 'olga@site.org', email_verified: true, name: 'Olga' }
  provider.accounts.set('olga', { ...account, roles: ['cook', 'chat_admin', 'user'] })
  provider.accounts.set('guest', { ...account, email: 'guest@site.org', roles: ['user', 'cook'] })
  provider.accounts.set('liar', { ...account, email_verified: false, roles: [] })
})
afterAll(() => provider.close())

async function startWithOidc(more: OptionChanges['operators'] = {}): Promise<TestGateway> {
  const { issuer, clientId, clientSecret } = provider
  return h.startOther({
    server: { publicUrl: PUBLIC_URL },
    operators: {
      ...{ oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret },
      ...{ oidcRolesClaim: 'roles', ...more },
    },
  })
}

class Browser {
  readonly jar = new Map<string, string>()
  readonly url: string

  constructor({ url }: TestGateway) {
    this.url = url
  }

  async post(route: string, body: object): Promise<Response> {
    const cookie = [...this.jar].map((pair) => pair.join('=')).join('; ')
    const init = { method: 'POST', headers: { cookie }, body: JSON.stringify(body) }
    const response = await askHttp(h, API + route, { ...init, url: this.url })
    keepCookies(this.jar, response)
    return response
  }

  async begin(): Promise<string> {
    const response = await this.post('/operators/sign-in', { way: 'oidc' })
    return HTTP_ROUTES.startSignIn.response.parse(await response.json()).url ?? ''
  }

  finish(back: URL): Promise<Response> {
    return this.post('/operators/token', Object.fromEntries(back.searchParams))
  }

  async signIn(sub: string): Promise<Response> {
    return this.finish(await provider.signIn(await this.begin(), sub))
  }

  renew(): Promise<Response> {
    return this.post('/operators/token', {})
  }
}

const read = async (response: Response): Promise<RouteAnswer<'issueOperatorToken'>> =>
  HTTP_ROUTES.issueOperatorToken.response.parse(await response.json())

describe('a sign-in over OpenID Connect', () => {
  it('uses the code flow with PKCE, and takes the roles of the claim', async () => {
    const gateway = await startWithOidc()
    const browser = new Browser(gateway)
    const url = new URL(await browser.begin())
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: REDIRECT,
    })
    const response = await browser.finish(await provider.signIn(url.href, 'olga'))
    const { token, user } = await read(response)
    expect(user).toEqual({
      id: user.id,
      name: 'Olga',
      roles: ['chat_admin'],
    })
    expect(user.id).toMatch(/^operator:[\w-]{22}$/)
    expect((await h.connect({ token, url: gateway.url })).ready.user).toEqual(user)
  })

  it('takes the role of the list for a verified address, and the id that a link gives', async () => {
    const listed = await startWithOidc({ oidcRolesClaim: undefined, list: LIST })
    const { user } = await read(await new Browser(listed).signIn('olga'))
    expect(user.roles).toEqual(['chat_admin'])
    for (const sub of ['liar', 'guest']) {
      const refused = await new Browser(listed).signIn(sub)
      expect(await readRefusal(refused)).toEqual({ status: 403, code: 'FORBIDDEN' })
    }
  })

  it('is refused to somebody without a role, who stays signed out', async () => {
    const browser = new Browser(await startWithOidc())
    expect(await readRefusal(await browser.signIn('guest'))).toMatchObject({ code: 'FORBIDDEN' })
    expect(browser.jar.has(GRANT)).toBe(false)
  })

  it('ends only in the browser in which it began, and once', async () => {
    const gateway = await startWithOidc()
    const [attacker, victim] = [new Browser(gateway), new Browser(gateway)]
    const back = await provider.signIn(await attacker.begin(), 'olga')
    expect(await readRefusal(await victim.finish(back))).toMatchObject({ code: 'FORBIDDEN' })
    await victim.begin()
    expect(await readRefusal(await victim.finish(back))).toMatchObject({ code: 'FORBIDDEN' })
    expect((await attacker.finish(back)).status).toBe(200)
    expect(await readRefusal(await attacker.finish(back))).toMatchObject({ code: 'UNAUTHORIZED' })
  })

  it('reads the roles again at each renewal, and ends the tokens with the older ones', async () => {
    const gateway = await startWithOidc()
    const browser = new Browser(gateway)
    const account = provider.accounts.get('olga')
    if (!account) throw new Error('no account')
    const first = await read(await browser.signIn('olga'))
    expect((await read(await browser.renew())).user.roles).toEqual(['chat_admin'])
    const old = await h.connect({ token: first.token, url: gateway.url })
    // The file's own gateway shares only the store.
    const elsewhere = await h.startOther()
    const other = await h.connect({ token: first.token, url: elsewhere.url })
    provider.accounts.set('olga', { ...account, roles: ['admin'] })
    const renewed = await read(await browser.renew())
    expect(renewed.user).toEqual({ ...first.user, roles: ['admin'] })
    await Promise.all([old.waitForClose(2000), other.waitForClose(2000)])
    expect((await h.connect({ token: renewed.token, url: gateway.url })).ready.user.roles).toEqual([
      'admin',
    ])

    const last = await h.connect({ token: renewed.token, url: gateway.url })
    provider.accounts.set('olga', { ...account, roles: [] })
    expect(await readRefusal(await browser.renew())).toMatchObject({ code: 'FORBIDDEN' })
    await last.waitForClose(2000)
    expect(browser.jar.has(GRANT)).toBe(false)
    provider.accounts.set('olga', account)
  })

  it('ends at the next renewal for somebody who is disabled at the provider', async () => {
    const browser = new Browser(await startWithOidc())
    await browser.signIn('olga')
    const account = provider.accounts.get('olga')
    if (!account) throw new Error('no account')
    provider.accounts.set('olga', { ...account, disabled: true })
    expect(await readRefusal(await browser.renew())).toMatchObject({ code: 'UNAUTHORIZED' })
    expect(browser.jar.has(GRANT)).toBe(false)
    provider.accounts.set('olga', account)
  })

  it('has no renewal where nobody could say the roles later', async () => {
    const browser = new Browser(await startWithOidc({ oidcScope: 'openid profile email' }))
    expect((await browser.signIn('olga')).status).toBe(200)
    expect(browser.jar.has(GRANT)).toBe(false)
  })

  it.each([
    ['a provider that is away', { oidcIssuer: 'http://127.0.0.1:9' }],
    ['another issuer than the address says', { oidcIssuer: 'http://localhost' }],
  ])('is not possible now with %s', async (_what, more) => {
    const browser = new Browser(await startWithOidc(more))
    const refused = await browser.post('/operators/sign-in', { way: 'oidc' })
    expect(await readRefusal(refused)).toEqual({ status: 503, code: 'UNAVAILABLE' })
  })

  it('signs nobody out while the provider is away', async () => {
    const shortLived = await startOidcServer(REDIRECT)
    shortLived.accounts.set('olga', provider.accounts.get('olga') ?? never())
    const gateway = await startWithOidc({ oidcIssuer: shortLived.issuer })
    const browser = new Browser(gateway)
    await browser.finish(await shortLived.signIn(await browser.begin(), 'olga'))
    await shortLived.close()
    for (let times = 0; times < 2; times++) {
      expect(await readRefusal(await browser.renew())).toMatchObject({ code: 'UNAVAILABLE' })
      expect(browser.jar.has(GRANT)).toBe(true)
    }
  })
})

function never(): never {
  throw new Error('no account')
}
