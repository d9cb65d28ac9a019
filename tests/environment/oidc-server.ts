import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Configuration } from 'oidc-provider'

/** Somebody at the provider, whose claims a test may change at any time. */
interface OidcAccount {
  email: string
  email_verified: boolean
  name: string
  roles?: string[] | string
  disabled?: boolean
}

export interface OidcServer {
  issuer: string
  clientId: string
  clientSecret: string
  accounts: Map<string, OidcAccount>
  /** Signs `sub` in, as a browser does that follows `url`. Returns what comes back to the console. */
  signIn(url: string, sub: string): Promise<URL>
  close(): Promise<void>
}

const CLIENT = { clientId: 'chatbox', clientSecret: 'a secret of the tests, of some length' }

/** A real provider on a free port, with its pages for development. */
export async function startOidcServer(redirectUri: string): Promise<OidcServer> {
  const accounts = new Map<string, OidcAccount>()
  const http = createServer()
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  // Loaded late, because it and the gateway load one library in two ways.
  const { Provider } = await import('oidc-provider')
  const provider = new Provider(issuer, toConfiguration(accounts, redirectUri))
  const handle = provider.callback()
  http.on('request', (request, response) => void handle(request, response))
  return {
    issuer,
    ...CLIENT,
    accounts,
    signIn: (url, sub) => follow(new URL(url), { sub, redirectUri }),
    async close() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

function toConfiguration(accounts: Map<string, OidcAccount>, redirectUri: string): Configuration {
  return {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    claims: { openid: ['sub', 'roles'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    cookies: { keys: ['for tests'] },
    findAccount(_context, sub) {
      const account = accounts.get(sub)
      if (!account || account.disabled) return undefined
      const { disabled: _, ...claims } = account
      return { accountId: sub, claims: async () => ({ sub, ...claims }) }
    },
  }
}

/** A browser with a jar of one host: signs in, agrees, and stops at the way back. */
async function follow(start: URL, { sub, redirectUri }: { sub: string; redirectUri: string }) {
  const jar = new Map<string, string>()
  let step: Step = { url: start }
  for (let steps = 0; steps < 20; steps++) {
    if (step.url.href.startsWith(redirectUri)) return step.url
    step = await take(step, jar, sub)
  }
  throw new Error('the provider sends a browser around in circles')
}

interface Step {
  url: URL
  /** What is sent to it. */
  form?: URLSearchParams
}

async function take({ url, form }: Step, jar: Map<string, string>, sub: string): Promise<Step> {
  const cookie = [...jar].map((pair) => pair.join('=')).join('; ')
  const init = form ? { method: 'POST', body: form } : {}
  const response = await fetch(url, { ...init, headers: { cookie }, redirect: 'manual' })
  keepCookies(jar, response)
  const location = response.headers.get('location')
  if (location) return { url: new URL(location, url) }
  const page = await response.text()
  const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1]
  const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1]
  if (!action || !prompt) throw new Error(`the provider answered ${response.status}: ${page}`)
  const answer = new URLSearchParams({ prompt, login: sub, password: 'any' })
  return { url: new URL(action, url), form: answer }
}

/** Takes what a response sets into a jar, and removes what it clears. */
export function keepCookies(jar: Map<string, string>, response: Response): void {
  for (const set of response.headers.getSetCookie()) {
    const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=')
    if (value) jar.set(name, value)
    else jar.delete(name)
  }
}
