import { createSecretKey, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorBodySchema, HTTP_ROUTES, type Message } from '@chatbox/contract'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import { Finding } from './finding.ts'

/** The address of the page and the origin that the probe sends. */
export interface Place {
  /** Without a trailing slash. */
  address: string
  origin: string
}

/** The identity from the environment. An empty text counts as unset. */
export interface Identity {
  token: string | undefined
  secret: string | undefined
  issuer: string | undefined
  audience: string | undefined
}

/** The time by which all steps together must end. */
export interface Deadline {
  /** Returns the time for the next step in ms: at least 1, at most `capMs`. */
  left(capMs?: number): number
  isOver(): boolean
}

export function createDeadline(ms: number): Deadline {
  const endsAt = performance.now() + ms
  const left = () => endsAt - performance.now()
  return {
    left: (capMs = Infinity) => Math.max(1, Math.ceil(Math.min(capMs, left()))),
    isOver: () => left() <= 0,
  }
}

interface Answered {
  status: number
  /** Undefined if the body was not JSON. */
  body: unknown
}

/** More than a page of a log with the longest reply. */
const MAX_BODY_BYTES = 4 * 1024 ** 2
/** The time limit of one request. A gateway answers within 3 s, even if a back end is down. */
const REQUEST_MS = 5000
const RETRY_ATTEMPT_MS = 2000
const RETRY_PAUSE_MS = 200
/** The lifetime of a token that the probe signs, longer than any round trip. */
const TTL_S = 15 * 60

const readinessSchema = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.string()),
})

/** Throws a `Finding` unless a ready chatbox answers at the address. */
export async function checkReady(place: Place, deadline: Deadline, retry: boolean): Promise<void> {
  // A network policy may drop packets without an answer, so a retry comes early.
  const capMs = retry ? RETRY_ATTEMPT_MS : REQUEST_MS
  for (;;) {
    try {
      judgeReadiness(await ask(place, '/readyz', { within: deadline.left(capMs) }))
      return
    } catch (error) {
      const isAway = error instanceof Finding && error.part === 'unreachable'
      if (!retry || !isAway || deadline.left() <= RETRY_PAUSE_MS) throw error
      await sleep(RETRY_PAUSE_MS)
    }
  }
}

function judgeReadiness({ status, body }: Answered): void {
  const parsed = readinessSchema.safeParse(body)
  if (parsed.success) {
    if (!parsed.data.ready) throw toFailing(parsed.data.checks)
    return
  }
  if (status >= 502 && status <= 504) {
    throw new Finding('unreachable', `a proxy answers with HTTP ${status}: it finds no gateway`)
  }
  const hint = status >= 300 && status < 400 ? 'it leads elsewhere' : 'is its path PATH_PREFIX?'
  throw new Finding('address', `no chatbox is at the address (HTTP ${status}); ${hint}`)
}

function toFailing(checks: Record<string, string>): Finding {
  const failing = Object.entries(checks).filter(([, state]) => state !== 'ok')
  const names = failing.map(([name]) => name)
  const said = failing.map(([name, state]) => `${name} ${state}`).join(', ')
  const lacksStore = names.includes('store')
  const lacksRedis = names.some((name) => name !== 'store' && name !== 'process')
  if (lacksRedis) {
    const words = lacksStore ? 'Redis or the store' : 'Redis'
    return new Finding('redis', `the gateway cannot use ${words}: ${said}`)
  }
  if (lacksStore) return new Finding('store', `the gateway cannot use the store: ${said}`)
  return new Finding('gateway', `the gateway is not ready: ${said}`)
}

/** Throws a `Finding` if the gateway rejects pages of this origin. */
export async function checkOrigin(place: Place, deadline: Deadline): Promise<void> {
  const answered = await ask(place, '/api/visitors', {
    method: 'OPTIONS',
    within: deadline.left(REQUEST_MS),
  })
  if (toErrorCode(answered) !== 'FORBIDDEN') return
  throw new Finding(
    'origin',
    `pages of ${place.origin} may not connect; give an origin of ALLOWED_ORIGINS as PROBE_ORIGIN`,
  )
}

/**
 * Returns the token of the round trip. A configured token is used as it is because it is the one to
 * test. Otherwise the probe becomes a visitor, as the page does, or signs a token if visitors are
 * not admitted.
 */
export async function getToken(
  place: Place,
  deadline: Deadline,
  identity: Identity,
): Promise<string> {
  if (identity.token) return identity.token
  const visitor = await askVisitorToken(place, deadline)
  if (visitor !== undefined) return visitor
  if (!identity.secret) {
    throw new Finding(
      'token',
      'visitors are not let in (ALLOW_VISITORS), and there is neither PROBE_TOKEN nor JWT_SECRET',
    )
  }
  return signToken(identity.secret, identity)
}

/** Signs a token for a new user, because two probes of one user would share a session. */
function signToken(
  secret: string,
  { issuer, audience }: Pick<Identity, 'issuer' | 'audience'>,
): string {
  return jwt.sign({ name: 'probe' }, createSecretKey(secret, 'utf8'), {
    algorithm: 'HS256',
    subject: `probe:${randomUUID()}`,
    expiresIn: TTL_S,
    ...(issuer && { issuer }),
    ...(audience && { audience }),
  })
}

/** Requests the token of a new visitor. Returns undefined if visitors are not admitted. */
async function askVisitorToken(place: Place, deadline: Deadline): Promise<string | undefined> {
  const answered = await ask(place, '/api/visitors', {
    method: 'POST',
    within: deadline.left(REQUEST_MS),
  })
  const code = toErrorCode(answered)
  if (code === 'FORBIDDEN') return undefined
  const parsed = HTTP_ROUTES.createVisitor.response.safeParse(answered.body)
  if (parsed.success) return parsed.data.token
  throw new Finding('token', `no visitor token was given: ${code ?? `HTTP ${answered.status}`}`)
}

/** Reads the log after `afterSeq` over HTTP, as any client does. */
export async function readLog(
  place: Place,
  deadline: Deadline,
  { sessionId, afterSeq, token }: { sessionId: string; afterSeq: number; token: string },
): Promise<Message[]> {
  const path = HTTP_ROUTES.readMessages.path.replace(':id', sessionId)
  const answered = await ask(place, `/api${path}?afterSeq=${afterSeq}`, {
    token,
    within: deadline.left(REQUEST_MS),
  })
  const parsed = HTTP_ROUTES.readMessages.response.safeParse(answered.body)
  if (parsed.success) return parsed.data.messages
  const why = toErrorCode(answered) ?? `HTTP ${answered.status}`
  throw new Finding('log', `the log cannot be read: ${why}`)
}

interface Asking {
  method?: 'GET' | 'POST' | 'OPTIONS'
  token?: string
  within: number
}

async function ask(place: Place, path: string, asking: Asking): Promise<Answered> {
  const { method = 'GET', token, within } = asking
  try {
    const response = await fetch(`${place.address}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        origin: place.origin,
        // Each request has its own connection, so that a broken one does not affect the next.
        connection: 'close',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(within),
    })
    return { status: response.status, body: toJson(await readText(response)) }
  } catch (error) {
    throw new Finding('unreachable', `${place.address} cannot be reached: ${toReason(error)}`)
  }
}

async function readText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  const body: AsyncIterable<Uint8Array> | null = response.body
  for await (const piece of body ?? []) {
    bytes += piece.length
    if (bytes > MAX_BODY_BYTES) throw new Error(`it sent more than ${MAX_BODY_BYTES} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function toErrorCode({ body }: Answered): string | undefined {
  const parsed = errorBodySchema.safeParse(body)
  return parsed.success ? parsed.data.error.code : undefined
}

/** The reason why `fetch` failed is in the error's cause, in a list if two addresses were tried. */
function toReason(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed'
  if (error.name === 'TimeoutError') return 'no answer in time'
  const { cause } = error
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  return inner instanceof Error ? inner.message : error.message
}
