import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  CLIENT_EVENTS,
  type Audited,
  errorBodySchema,
  HTTP_ROUTES,
  type ClientEvent,
  type ErrorInfo,
  type RouteName,
  type Session,
  type Who,
} from '@chatbox/contract'
import { API, askHttp } from '../support/ask-http.ts'
import { HandshakeError, openChatUser, type ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { readTables } from '../support/read-tables.ts'
import { signToken } from '../environment/tokens.ts'

const h = useGateway(
  {
    auth: { allowVisitors: true },
    operators: { list: [{ address: 'boss@site.org', role: 'admin' }] },
  },
  (ports) => ({ ...ports, signInLinks: { deliver: () => Promise.resolve() } }),
)

/** What each caller gets, by the word that the page has in its column "Who". */
const MATRIX = `
| who             | owner | stranger  | visitor   | operator  | admin     | no role   | foreign role | nobody       |
| anyone          | ok    | ok        | ok        | ok        | ok        | ok        | ok           | ok           |
| user            | ok    | ok        | ok        | ok        | ok        | FORBIDDEN | FORBIDDEN    | UNAUTHORIZED |
| owner, operator | ok    | NOT_FOUND | NOT_FOUND | ok        | ok        | FORBIDDEN | FORBIDDEN    | UNAUTHORIZED |
| operator        | FORBIDDEN | FORBIDDEN | FORBIDDEN | ok    | ok        | FORBIDDEN | FORBIDDEN    | UNAUTHORIZED |
| admin    | FORBIDDEN | FORBIDDEN | FORBIDDEN | FORBIDDEN | ok    | FORBIDDEN | FORBIDDEN    | UNAUTHORIZED |
| owner           | ok    | NOT_FOUND | NOT_FOUND | FORBIDDEN | FORBIDDEN | FORBIDDEN | FORBIDDEN    | UNAUTHORIZED |
`
const [[CALLERS = [], ...ROWS] = []] = readTables(MATRIX.trim())
const PAGE = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
/** Who may use an event or a route, by its name. */
const WHO = new Map(
  readTables(PAGE)
    .filter(([head]) => head?.[1] === 'Who')
    .flat()
    .map(([way = '', who = '']) => [way.split('?')[0], who]),
)

/** A session of the owner in which a question waits, and what may be done to it. */
interface World {
  session: Session
  questionId: string
  replyId: string
  /** The subject of the caller's token. */
  caller: string
}

const PAYLOADS: Record<ClientEvent, (world: World) => object | Promise<object>> = {
  'session:open': () => ({}),
  'session:create': () => ({}),
  'session:end': () => ({}),
  'session:history': () => ({ beforeSeq: 1 }),
  'message:send': () => ({ clientMessageId: 'm', content: 'hello' }),
  'message:read': () => ({ seq: 1 }),
  'reply:stop': ({ replyId }) => ({ replyId }),
  'reply:retry': async (world) => ({ messageId: await failReply(world) }),
  typing: () => ({ typing: true }),
  'model:select': () => ({ modelId: 'other' }),
  'help:request': () => ({ note: 'please' }),
  'help:cancel': () => ({}),
  'takeover:start': () => ({}),
  'takeover:end': () => ({}),
  'inbox:subscribe': () => ({}),
  'inbox:list': () => ({ view: 'help' }),
  'inbox:read': () => ({ seq: 0 }),
  'desk:open': () => ({}),
  'desk:append': () => ({
    clientEntryId: crypto.randomUUID(),
    action: { type: 'note', text: 'Wants a refund', mentions: [] },
  }),
  'desk:draft': () => ({ text: 'Hello' }),
  'token:refresh': ({ caller }) => ({ token: tokenOf(caller) || 'none' }),
}

/** What a route needs in its body. */
const BODIES: Partial<Record<RouteName, () => object | Promise<object>>> = {
  revokeUser: () => ({ userId: 'mallory' }),
  retryJobs: () => ({}),
  pauseQueue: () => ({ paused: false }),
  startSignIn: () => ({ way: 'link', address: `${crypto.randomUUID()}@site.org` }),
  issueOperatorToken: async () => {
    const link = await h.gateway.createSignInLink()
    return { link: new URL(link ?? '').hash.replace('#sign-in=', '') }
  },
}

const tokens = new Map<string, string>()
let owner: ChatUser

beforeAll(async () => {
  const visitor = await askHttp(h, `${API}/visitors`, { method: 'POST' })
  tokens.set('visitor', HTTP_ROUTES.createVisitor.response.parse(await visitor.json()).token)
  const roles = {
    operator: ['chat_admin'],
    admin: ['admin'],
    'no role': [],
    'foreign role': ['cook'],
  }
  for (const [sub, has] of Object.entries(roles)) {
    tokens.set(sub, await signToken({ sub, roles: has }))
  }
  for (const sub of ['owner', 'stranger']) tokens.set(sub, await signToken({ sub }))
  owner = await openChatUser({ url: h.gateway.url, userId: 'owner', token: tokenOf('owner') })
})

afterAll(() => {
  owner.close()
})

const tokenOf = (caller: string): string => tokens.get(caller) ?? ''

async function makeWorld(caller: string): Promise<World> {
  const { session } = await owner.emit('session:create', {})
  const { id } = await owner.send(session, 'a question')
  const { reply } = await owner.open({ sessionId: session.id })
  return { session, questionId: id, replyId: reply?.replyId ?? '', caller }
}

/** Ends the waiting reply without a word, as a worker does whose model is away. */
async function failReply({ session, questionId, replyId }: World): Promise<string> {
  const { messages, replies } = h.backend.ports
  const open = await replies.findOpen(session.id)
  const claim = open && (await replies.claim(open, 15_000))
  if (!claim) throw new Error('no question waits')
  const at = new Date().toISOString()
  const said = { status: 'failed' as const, content: '', modelId: 'demo' }
  await replies.commit(claim, { ...said, finishedAt: at })
  await messages.append({
    message: {
      ...{ ...said, id: replyId, sessionId: session.id, replyTo: questionId, createdAt: at },
      ...{ kind: 'text', sender: { type: 'ai', id: 'demo', name: '' }, attachments: [] },
    },
  })
  await replies.settle(open, claim.epoch, 'done')
  return replyId
}

type Outcome = Pick<ErrorInfo, 'code' | 'message' | 'retryable'> | 'ok'

const toOutcome = ({ code, message, retryable }: ErrorInfo): Outcome => ({
  code,
  message,
  retryable,
})

async function emit(event: ClientEvent, token: string, payload: object): Promise<Outcome> {
  try {
    const user = await h.connect({ token })
    const ack = await user.emitRaw(event, payload)
    return ack.ok ? 'ok' : toOutcome(ack.error)
  } catch (error) {
    if (error instanceof HandshakeError && error.info) return toOutcome(error.info)
    throw error
  }
}

async function ask(name: RouteName, token: string, sessionId: string): Promise<Outcome> {
  const { method, path } = HTTP_ROUTES[name]
  const input = await BODIES[name]?.()
  const init = {
    method: method.toUpperCase(),
    token,
    ...(input && { body: JSON.stringify(input) }),
  }
  const response = await askHttp(
    h,
    API + path.replace(':id', sessionId).replace(':name', 'jobs'),
    init,
  )
  const body = await response.text()
  return response.ok ? 'ok' : toOutcome(errorBodySchema.parse(JSON.parse(body)).error)
}

interface Way {
  audit: Audited | undefined
  name: string
  /** On the page, and in the table of the contract. */
  who: string
  admits: Who
  /** Gets all ready for one caller; what it resolves with calls, about the session of that id. */
  prepare: (world: World) => Promise<(sessionId: string) => Promise<Outcome>>
}

const EVENTS: Way[] = Object.entries(CLIENT_EVENTS).map(([name, { payload, who, ...rule }]) => ({
  name,
  audit: 'audit' in rule ? rule.audit : undefined,
  who: WHO.get(name) ?? 'not on the page',
  admits: who,
  async prepare(world) {
    const event = name as ClientEvent
    const input = await PAYLOADS[event](world)
    const isOfSession = 'sessionId' in payload.shape
    return (sessionId) =>
      emit(event, tokenOf(world.caller), isOfSession ? { ...input, sessionId } : input)
  },
}))

const ROUTES: Way[] = Object.entries(HTTP_ROUTES).map(([name, { method, path, who, ...rule }]) => ({
  audit: 'audit' in rule ? rule.audit : undefined,
  name: `${method.toUpperCase()} /api${path}`,
  who: WHO.get(`${method.toUpperCase()} /api${path}`) ?? 'not on the page',
  admits: who,
  async prepare({ caller }) {
    return (sessionId) => ask(name as RouteName, tokenOf(caller), sessionId)
  },
}))

async function readAsOwner({ session }: World): Promise<string> {
  const route = `${API}/sessions/${session.id}`
  return (await askHttp(h, route, { token: tokenOf('owner') })).text()
}

describe.each([...EVENTS, ...ROUTES])('$name is for $who', ({ who, admits, audit, prepare }) => {
  const expected = ROWS.find(([word]) => word === who) ?? []

  it('in the table too', () => {
    expect(admits).toBe(who.startsWith('owner') ? 'user' : who)
  })

  it('in the audit log, if others than the owner may use it', () => {
    const isForOthers = ['owner, operator', 'operator', 'admin'].includes(who)
    expect(audit ?? 'undeclared').not.toBe(isForOthers ? 'undeclared' : 'each')
  })

  it.each(
    CALLERS.slice(1).map((caller, at) => [caller, expected[at + 1] ?? 'a word of the matrix']),
  )('%s: %s', async (caller, outcome) => {
    const world = await makeWorld(caller)
    const call = await prepare(world)
    const before = await readAsOwner(world)
    const answered = await call(world.session.id)
    expect(answered === 'ok' ? answered : answered.code).toBe(outcome)
    if (answered === 'ok') return
    expect(await readAsOwner(world)).toBe(before)
    // Somebody else's session cannot be told from one that is not there.
    if (outcome === 'NOT_FOUND') expect(await call('unknown')).toEqual(answered)
  })
})
