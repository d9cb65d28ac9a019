import { createSecretKey, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorBodySchema, HTTP_ROUTES, type Message } from '@chatbox/contract'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import { Finding } from './finding.ts'

/** Where the page is, and as whose page the probe speaks. */
export interface Place {
  /** Without a slash at its end. */
  address: string
  origin: string
}

/** Who asks, as the environment says it. An empty text counts as nothing said. */
export interface Identity {
  token: string | undefined
  secret: string | undefined
  issuer: string | undefined
  audience: string | undefined
}

/** A moment that all steps together have to come to an end by. */
export interface Deadline {
  /** What the next step may take, in ms: at least 1, at most `capMs`. */
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
  /** Undefined where it was no JSON. */
  body: unknown
}

/** More than a page of a log that holds the longest reply. */
const MAX_BODY_BYTES = 4 * 1024 ** 2
/** The longest that one request may take: a gateway answers within 3 s, whatever is away. */
const REQUEST_MS = 5000
const RETRY_ATTEMPT_MS = 2000
const RETRY_PAUSE_MS = 200
/** Of a token that the probe signs: longer than a round trip may take. */
const TTL_S = 15 * 60

const readinessSchema = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.string()),
})

/** Throws a `Finding` unless a chatbox answers there that is ready. */
export async function checkReady(place: Place, deadline: Deadline, retry: boolean): Promise<void> {
  // Packets that a network policy drops are not answered: a second try comes before long.
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

/** Throws a `Finding` where a page of this origin would not be let in. */
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
 * A token that was given is the one to try: whoever gives it wants to know about it. Else the
 * probe is a visitor as the page makes one, and where none are let in, a user of its own.
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

/** For a new user each time: a user has one session, and two probes would share it. */
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

/** The token of a new visitor; undefined where no visitors are let in. */
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

/** The entries of the log that follow `afterSeq`, as anybody reads them over HTTP. */
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
        // Each on a connection of its own: one that broke says nothing about the next.
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

/** What `fetch` failed with is in the cause of its error, and in a list where it tried two addresses. */
function toReason(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed'
  if (error.name === 'TimeoutError') return 'no answer in time'
  const { cause } = error
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  return inner instanceof Error ? inner.message : error.message
}
