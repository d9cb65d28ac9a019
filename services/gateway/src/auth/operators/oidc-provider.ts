import { createHash } from 'node:crypto'
import { ROLES, type Role } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { Logger, Settings } from '@chatbox/kit'
import * as oidc from 'openid-client'
import { unauthorized } from '../claims.ts'

/** In s, for each request. A sign-in makes two, and an answer may take 3 s. */
const TIMEOUT_S = 1.2
/** Longer refresh tokens would not fit a stored ticket; those in use have some 2,000 characters. */
const MAX_REFRESH_TOKEN = 8192

/** What the provider says of somebody who has just signed in, or of the same person later. */
export interface OidcPerson {
  issuer: string
  subject: string
  name: string
  /** Undefined if the provider has not verified it. */
  address: string | undefined
  /** The operator's roles of the claim; undefined if no claim is set. */
  roles: Role[] | undefined
  /** Asks again later; undefined if the provider gives none. */
  refreshToken: string | undefined
}

/** What comes back to the console in its address. */
export interface OidcReturn {
  code: string
  state: string
  iss?: string | undefined
}

export interface OidcProvider {
  /** Returns the address to send a browser to. `browserSecret` is what only this browser keeps. */
  begin(browserSecret: string): Promise<string>
  /** Throws `UNAUTHORIZED` if this browser did not begin it, or the provider refuses. */
  finish(browserSecret: string | undefined, back: OidcReturn): Promise<OidcPerson>
  /** Asks for the person as they are now. Throws `UNAUTHORIZED` if they may no longer sign in. */
  renew(person: { subject: string; refreshToken: string }): Promise<OidcPerson>
}

type OidcOptions = Pick<
  Settings['operators'],
  'oidcIssuer' | 'oidcClientId' | 'oidcClientSecret' | 'oidcScope' | 'oidcRolesClaim'
> & { redirectUri: string }

/**
 * Signs operators in with the code flow, PKCE, state and nonce. All three follow from the browser's
 * secret, so a sign-in that somebody else began cannot end in this browser (RFC 9700, 2.1), and
 * nothing is stored for a sign-in that never ends. All methods reject with `UNAVAILABLE` if the
 * provider does not answer. Returns undefined if none is set.
 */
export function createOidcProvider(
  options: OidcOptions,
  logger: Pick<Logger, 'warn'>,
): OidcProvider | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId } = options
  if (issuer === undefined || clientId === undefined) return undefined
  const configure = createDiscovery(options, { issuer, clientId })
  const ask = async <T>(work: (config: oidc.Configuration) => Promise<T>): Promise<T> => {
    try {
      return await work(await configure())
    } catch (error) {
      throw toProviderError(error, logger)
    }
  }
  return {
    begin: (secret) => ask((config) => toAuthorizationUrl(config, secret, options)),
    async finish(secret, { code, state, iss }) {
      if (secret === undefined || state !== derive('state', secret)) throw startedElsewhere()
      const back = new URL(options.redirectUri)
      const query = { code, state, ...(iss === undefined ? {} : { iss }) }
      back.search = new URLSearchParams(query).toString()
      const checks = {
        pkceCodeVerifier: derive('verifier', secret),
        expectedState: state,
        expectedNonce: derive('nonce', secret),
        idTokenExpected: true,
      }
      return ask(async (config) => {
        const tokens = await oidc.authorizationCodeGrant(config, back, checks)
        const subject = tokens.claims()?.sub
        if (subject === undefined) throw unauthorized()
        return toPerson(config, tokens, { subject, options })
      })
    },
    renew: ({ subject, refreshToken }) =>
      ask(async (config) => {
        const tokens = await oidc.refreshTokenGrant(config, refreshToken)
        const person = await toPerson(config, tokens, { subject, options })
        // A provider that does not rotate its refresh tokens gives none.
        return { ...person, refreshToken: person.refreshToken ?? refreshToken }
      }),
  }
}

/** Reads the provider's addresses once it answers, and then keeps them. */
function createDiscovery(
  { oidcClientSecret }: OidcOptions,
  { issuer, clientId }: { issuer: string; clientId: string },
): () => Promise<oidc.Configuration> {
  let known: Promise<oidc.Configuration> | undefined
  return () =>
    (known ??= oidc
      .discovery(
        new URL(issuer),
        clientId,
        oidcClientSecret,
        // The default of the standard; not every provider takes the secret in the body.
        oidcClientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(oidcClientSecret),
        {
          timeout: TIMEOUT_S,
          // The settings accept http only outside production or on this machine.
          // eslint-disable-next-line @typescript-eslint/no-deprecated -- only a mark that it is for these cases
          ...(issuer.startsWith('http:') ? { execute: [oidc.allowInsecureRequests] } : {}),
        },
      )
      .catch((error: unknown) => {
        known = undefined
        throw error
      }))
}

async function toAuthorizationUrl(
  config: oidc.Configuration,
  secret: string,
  { redirectUri, oidcScope }: OidcOptions,
): Promise<string> {
  const challenge = await oidc.calculatePKCECodeChallenge(derive('verifier', secret))
  const isOffline = oidcScope.split(' ').includes('offline_access')
  return oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: oidcScope,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: derive('state', secret),
    nonce: derive('nonce', secret),
    // A provider may ignore `offline_access` without it (OpenID Connect Core, 11).
    ...(isOffline ? { prompt: 'consent' } : {}),
  }).href
}

function derive(purpose: string, secret: string): string {
  return createHash('sha256').update(`${purpose} ${secret}`).digest('base64url')
}

type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers

async function toPerson(
  config: oidc.Configuration,
  tokens: Tokens,
  { subject, options }: { subject: string; options: OidcOptions },
): Promise<OidcPerson> {
  const claims = await readClaims(config, tokens, subject)
  const { oidcRolesClaim } = options
  const { refresh_token: refreshToken = '' } = tokens
  const isKept = refreshToken !== '' && refreshToken.length <= MAX_REFRESH_TOKEN
  return {
    issuer: config.serverMetadata().issuer,
    subject,
    name: toText(claims.name) ?? '',
    // Anybody may give an address that is not theirs.
    address: claims.email_verified === true ? toText(claims.email) : undefined,
    roles: oidcRolesClaim === undefined ? undefined : toRoles(readClaim(claims, oidcRolesClaim)),
    refreshToken: isKept ? refreshToken : undefined,
  }
}

/** The claims are those of the newest ID token and, over them, of the user info. */
async function readClaims(
  config: oidc.Configuration,
  tokens: Tokens,
  subject: string,
): Promise<Record<string, unknown>> {
  const claims = tokens.claims()
  if (claims && claims.sub !== subject) throw unauthorized()
  if (config.serverMetadata().userinfo_endpoint !== undefined) {
    return { ...claims, ...(await oidc.fetchUserInfo(config, tokens.access_token, subject)) }
  }
  if (!claims) throw unauthorized()
  return { ...claims }
}

function toText(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined
}

/** A name with dots is first taken as it stands, because claims of some providers are addresses. */
function readClaim(claims: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  return name.split('.').reduce<unknown>((value, key) => {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    return isObject ? Reflect.get(value, key) : undefined
  }, claims)
}

/** Only the roles of operators: everybody at the provider is a user. */
function toRoles(value: unknown): Role[] {
  const given: unknown[] = Array.isArray(value) ? value : [value]
  return ROLES.filter((role) => role !== 'user' && given.includes(role))
}

function startedElsewhere(): AppError {
  return new AppError('FORBIDDEN', 'This sign-in was not begun here. Start again.')
}

/** The reasons of the provider go to the log, as codes: its words may quote what it was sent. */
function toProviderError(error: unknown, logger: Pick<Logger, 'warn'>): AppError {
  if (error instanceof AppError) return error
  const isRefusal = error instanceof oidc.ResponseBodyError && error.status < 500
  const reason = error instanceof oidc.ResponseBodyError ? error.error : codeOf(error)
  if (isRefusal && reason === 'invalid_grant') {
    return new AppError('UNAUTHORIZED', 'The sign-in is over. Start again.', { cause: error })
  }
  logger.warn({ reason }, 'the OpenID Connect provider was of no use')
  return new AppError('UNAVAILABLE', 'The sign-in provider does not answer as it should.', {
    retryable: true,
  })
}

function codeOf(error: unknown): string {
  if (error instanceof oidc.ClientError) return error.code ?? 'unknown'
  return error instanceof oidc.WWWAuthenticateChallengeError ? 'challenge' : 'no answer'
}
