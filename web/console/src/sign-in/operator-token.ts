import {
  createTokenSource,
  type GetToken,
  type IssuedToken,
  requestChange,
  requestJson,
} from '@chatbox/client'

/** The secret of a link, or what a provider of OpenID Connect sends along. */
type Proof = { link: string } | { code: string; state: string; iss?: string }

const OWN = { credentials: 'same-origin' } as const
/** How often the renewal is asked again that another tab was faster with. */
const RENEWALS = 3
const PAUSE_MS = 400

/** Takes what proves a sign-in out of the address at once, so that no history and no copy has it. */
export function takeProof(): Proof | undefined {
  const url = new URL(location.href)
  const link = /^#sign-in=([\w-]+)$/.exec(url.hash)?.[1]
  const { code, state, iss } = Object.fromEntries(url.searchParams)
  if (link === undefined && (code === undefined || state === undefined)) return undefined
  url.hash = ''
  for (const name of ['code', 'state', 'iss', 'session_state']) url.searchParams.delete(name)
  history.replaceState(null, '', url)
  if (link !== undefined) return { link }
  return { code: code ?? '', state: state ?? '', ...(iss !== undefined && { iss }) }
}

/** The token of an operator: by a proof once, and from then on by the cookie of its route. */
export function createOperatorToken(baseUrl: string, proof: Proof | undefined): GetToken {
  let left = proof
  return createTokenSource(async () => {
    const given = left
    left = undefined
    return await renew(baseUrl, given ?? {})
  })
}

async function renew(baseUrl: string, body: object, tries = RENEWALS): Promise<IssuedToken> {
  try {
    return (await post(baseUrl, '/operators/token', body)) as IssuedToken
  } catch (error) {
    const isTaken = (error as { code?: string; retryable?: boolean }).code === 'CONFLICT'
    if (!isTaken || tries <= 1) throw error
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    return await renew(baseUrl, body, tries - 1)
  }
}

/** Returns the ways to sign in that this site has set up. */
export async function readWays(baseUrl: string): Promise<readonly string[]> {
  const { ways } = (await requestJson(`${baseUrl}/api/operators/sign-in`, OWN)) as {
    ways: string[]
  }
  return ways
}

/** Has a link mailed to an operator. The answer does not tell whether the address is one. */
export async function askForLink(baseUrl: string, address: string): Promise<void> {
  await post(baseUrl, '/operators/sign-in', { way: 'link', address })
}

/** Returns the address of the provider to go to. */
export async function askForProvider(baseUrl: string): Promise<string> {
  const answer = (await post(baseUrl, '/operators/sign-in', { way: 'oidc' })) as { url?: string }
  return answer.url ?? baseUrl
}

export async function signOut(baseUrl: string): Promise<void> {
  await requestChange(`${baseUrl}/api/operators/token`, { ...OWN, method: 'DELETE' })
}

async function post(baseUrl: string, route: string, body: object): Promise<unknown> {
  return await requestJson(`${baseUrl}/api${route}`, {
    ...OWN,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}
