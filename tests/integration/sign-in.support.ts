import { createHash } from 'node:crypto'
import { afterEach, expect } from '@jest/globals'
import { HTTP_ROUTES, type RouteAnswer } from '@chatbox/contract'
import { API, askHttp } from '../support/ask-http.ts'
import { useGateway, type GatewayHarness } from '../support/gateway-harness.ts'
import type { OptionChanges, TestGateway, TestPorts } from '../support/test-gateway.ts'
import { keepCookies } from '../environment/oidc-server.ts'
import { waitUntil } from '../environment/wait-until.ts'

export const OLGA = 'olga@site.org'
export const BOSS = 'boss@site.org'
export const LIST = [
  { address: OLGA, role: 'chat_admin' as const },
  { address: BOSS, role: 'admin' as const },
]

export interface Browser {
  url?: string
  /** The cookies, as `name=value`. */
  jar: Map<string, string>
}

type Answer = RouteAnswer<'issueOperatorToken'>

interface SignIn {
  h: GatewayHarness
  /** What was mailed since the test began. */
  delivered: { address: string; link: string }[]
  startOther: (more?: OptionChanges, ports?: Partial<TestPorts>) => Promise<TestGateway>
  newBrowser: (url?: string) => Browser
  send: (browser: Browser, route: string, init: RequestInit) => Promise<Response>
  /** Begins a sign-in. */
  start: (browser: Browser, body: object) => Promise<Response>
  finish: (browser: Browser, body?: object) => Promise<Response>
  read: (response: Response) => Promise<Answer>
  secretOf: (link?: string) => string
  askLink: (browser: Browser, address?: string) => Promise<string>
  /** Makes a link without the limits of one address. */
  makeLink: (address?: string, endsInMs?: number) => Promise<string>
  signIn: (browser: Browser, address?: string) => Promise<Answer>
}

/** A gateway that lets operators sign in, and their browsers. */
export function useSignIn(): SignIn {
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

  const read = async (response: Response): Promise<Answer> =>
    HTTP_ROUTES.issueOperatorToken.response.parse(await response.json())

  const secretOf = (link = '') => new URL(link).hash.replace('#sign-in=', '')

  async function askLink(browser: Browser, address = OLGA): Promise<string> {
    const before = delivered.length
    expect((await start(browser, { way: 'link', address })).status).toBe(200)
    await waitUntil(async () => delivered.length > before)
    return secretOf(delivered.at(-1)?.link)
  }

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
  return {
    h,
    delivered,
    startOther,
    newBrowser,
    start,
    finish,
    ...{ read, secretOf, askLink, makeLink, signIn, send },
  }
}
