import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  asyncApiDocument,
  CLIENT_EVENTS,
  openApiDocument,
  SERVER_EVENTS,
  type ClientEvent,
  type Message,
  type Session,
} from '@chatbox/contract'
import { startService, type ServiceProcess } from '../environment/servers/processes.ts'
import { toApiDocuments } from '../../scripts/documents/pages.ts'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { createDocumentValidator } from '../support/document-validator.ts'
import { signToken, TEST_SECRET } from '../environment/tokens.ts'

const PATH_PREFIX = '/chatbox'
const openApi = openApiDocument({ pathPrefix: PATH_PREFIX })
const asyncApi = asyncApiDocument({ pathPrefix: PATH_PREFIX })
const http = createDocumentValidator(openApi)
const socket = createDocumentValidator(asyncApi)
const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation })),
)

let dataDir: string
let server: ServiceProcess
let user: ChatUser
let operator: ChatUser
let adminToken: string
let session: Session
let question: Message

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'chatbox-documents-'))
  server = await startService('standalone', {
    env: {
      DATA_DIR: dataDir,
      JWT_SECRET: TEST_SECRET,
      ALLOW_VISITORS: 'true',
      PATH_PREFIX,
      RATE_LIMIT: '10000',
      LOG_LEVEL: 'warn',
    },
  })
  user = await openChatUser({ url: server.url, name: 'Ann' })
  operator = await openChatUser({ url: server.url, name: 'Olga', roles: ['chat_admin'] })
  adminToken = await signToken({ sub: 'boss', roles: ['admin'] })
  ;({ session } = await user.open())
  question = await user.send(session, 'What can you do?')
  await user.waitFor('message:new', ({ message }) => message.replyTo === question.id)
})

afterAll(async () => {
  user.close()
  operator.close()
  await server.stop()
  await rm(dataDir, { recursive: true, force: true })
})

async function call(
  method: string,
  path: string,
  { token, input }: { token?: string | undefined; input?: object | undefined } = {},
): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const body = input && { body: JSON.stringify(input) }
  return fetch(`${server.url}${PATH_PREFIX}/api${path}`, { method, headers, ...body })
}

type Operation = (typeof operations)[number]

/** A token of somebody who may call it. */
const tokenFor = ({ security }: Operation): string =>
  has(security, 'admin') ? adminToken : has(security, 'operator') ? operator.token : user.token

const has = (security: Operation['security'], role: string): boolean =>
  security.some(({ token }) => token?.includes(role))

/** One good body for each operation that needs one. */
const BODIES: Readonly<Record<string, () => object>> = {
  startSignIn: () => ({ way: 'link', address: 'olga@site.org' }),
  // The start has printed it.
  issueOperatorToken: () => ({ link: /#sign-in=([\w-]{43})/.exec(server.output())?.[1] }),
  revokeUser: () => ({ userId: 'mallory' }),
  retryJobs: () => ({}),
  pauseQueue: () => ({ paused: false }),
}

async function expectError(answer: Response, status: number): Promise<void> {
  expect(answer.status).toBe(status)
  expect(http.faults('#/components/schemas/ErrorBody', await answer.json())).toEqual([])
}

async function expectSchema(answer: Response, schema: { $ref?: unknown } = {}): Promise<void> {
  const text = await answer.text()
  const { $ref } = schema
  if (typeof $ref === 'string') expect(http.faults($ref, JSON.parse(text))).toEqual([])
}

describe('the files in docs', () => {
  it('are what the contract says', async () => {
    for (const [path, text] of Object.entries(await toApiDocuments())) {
      expect(await readFile(path, 'utf8')).toBe(text)
    }
  })
})

describe('the HTTP API', () => {
  it('serves its own document', async () => {
    expect(await (await call('GET', '/openapi.json')).json()).toEqual(openApi)
  })

  it.each(operations)('answers $method $path as documented', async (operation) => {
    const { method, path, responses } = operation
    const to = path.replace('{id}', session.id).replace('{name}', 'jobs')
    const input = BODIES[operation.operationId]?.()
    const answer = await call(method.toUpperCase(), to, { token: tokenFor(operation), input })
    const [success = ''] = Object.keys(responses)
    expect(success).toMatch(/^20[04]$/)
    expect(String(answer.status)).toBe(success)
    const content = responses[answer.status]?.content
    if (!content) {
      expect([success, await answer.text()]).toEqual(['204', ''])
      return
    }
    const [type = ''] = (answer.headers.get('content-type') ?? '').split(';')
    expect(Object.keys(content)).toContain(type)
    await expectSchema(answer, content[type]?.schema)
  })

  it.each(operations.filter(({ security }) => security.length > 0))(
    'refuses $method $path without a token',
    async ({ method, path, responses }) => {
      expect(responses).toHaveProperty('401')
      await expectError(await call(method.toUpperCase(), path.replace('{id}', session.id)), 401)
    },
  )

  it.each(operations.filter(({ path }) => path.startsWith('/sessions/{id}')))(
    'answers $method $path for an id that is unknown or none',
    async ({ method, path, responses }) => {
      expect(responses).toHaveProperty('400')
      expect(responses).toHaveProperty('404')
      const unknown = path.replace('{id}', 'unknown')
      await expectError(await call(method.toUpperCase(), unknown, { token: user.token }), 404)
      const none = path.replace('{id}', 'a%20b')
      await expectError(await call(method.toUpperCase(), none, { token: user.token }), 400)
    },
  )

  it.each(operations.filter(({ parameters }) => parameters.some((one) => one.in === 'query')))(
    'refuses a query of $method $path that is not documented',
    async (operation) => {
      const { method, path, parameters, responses } = operation
      expect(responses).toHaveProperty('400')
      const to = path.replace('{id}', session.id).replace('{name}', 'jobs')
      const token = tokenFor(operation)
      await expectError(await call(method.toUpperCase(), `${to}?unknown=1`, { token }), 400)
      const { name } = parameters.find((one) => one.in === 'query') ?? {}
      await expectError(await call(method.toUpperCase(), `${to}?${String(name)}=`, { token }), 400)
    },
  )

  it.each([
    ['GET', ''],
    ['GET', '/'],
    ['GET', '/nothing'],
    ['GET', '/models/demo'],
    ['POST', '/models'],
    ['DELETE', '/sessions'],
    ['GET', '/visitors'],
    ['PUT', '/sessions/s-1'],
    ['GET', '/sessions/s-1/end'],
    ['GET', '/sessions/s-1/share'],
    ['GET', '/admin/nothing'],
    ['GET', '/openapi.yaml'],
  ])('knows no %s %s', async (method, path) => {
    await expectError(await call(method, path, { token: user.token }), 404)
  })
})

describe('the Socket.IO events', () => {
  const toId = (event: string): string =>
    event.replaceAll(/(^|:)(\w)/g, (_match, _colon, letter: string) => letter.toUpperCase())

  /** One good payload for each event, in an order in which each can be carried out. */
  const payloads: [ClientEvent, () => Promise<object>][] = [
    ['session:create', async () => ({})],
    ['session:open', async () => ({ sessionId: session.id, afterSeq: 0, limit: 10 })],
    ['session:history', async () => ({ sessionId: session.id, beforeSeq: 2 })],
    ['model:select', async () => ({ sessionId: session.id, modelId: session.modelId })],
    ['message:read', async () => ({ sessionId: session.id, seq: 0 })],
    ['typing', async () => ({ sessionId: session.id, typing: true })],
    [
      'message:send',
      async () => ({ sessionId: session.id, clientMessageId: 'document-1', content: 'And then?' }),
    ],
    ['reply:stop', async () => ({ sessionId: session.id, replyId: (await replyStart()).replyId })],
    ['reply:retry', async () => ({ sessionId: session.id, messageId: await stoppedReply() })],
    ['token:refresh', async () => ({ token: await signToken({ sub: user.userId }) })],
    ['help:request', async () => ({ sessionId: session.id, note: 'A refund' })],
    ['help:cancel', async () => ({ sessionId: session.id })],
    ['takeover:start', async () => ({ sessionId: session.id })],
    ['takeover:end', async () => ({ sessionId: session.id })],
    ['inbox:subscribe', async () => ({ cursor: new Date().toISOString() })],
    ['inbox:list', async () => ({ view: 'assistant', text: 'a', limit: 5 })],
    ['inbox:read', async () => ({ sessionId: session.id, seq: 0 })],
    ['desk:open', async () => ({ sessionId: session.id, afterSeq: 0, limit: 5 })],
    [
      'desk:append',
      async () => ({
        ...{ sessionId: session.id, clientEntryId: 'entry' },
        action: { type: 'assigned', to: { id: 'olga', name: 'Olga' } },
      }),
    ],
    ['desk:draft', async () => ({ sessionId: session.id, text: 'Hello' })],
    ['session:end', async () => ({ sessionId: session.id })],
  ]

  const callerOf = (event: string) =>
    CLIENT_EVENTS[event as ClientEvent].who === 'operator' ? operator : user
  const replyStart = () => user.waitFor('reply:start', (reply) => reply.sessionId === session.id)

  async function stoppedReply(): Promise<string> {
    const { replyId } = await replyStart()
    await user.waitFor('message:new', ({ message }) => message.id === replyId)
    return replyId
  }

  it('are answered as documented', async () => {
    expect(payloads.map(([event]) => event).toSorted()).toEqual(
      Object.keys(CLIENT_EVENTS).toSorted(),
    )
    for (const [event, toPayload] of payloads) {
      const payload = await toPayload()
      const wrong = socket.faults(`#/components/schemas/${toId(event)}Payload`, payload)
      expect([event, wrong]).toEqual([event, []])
      const ack = await callerOf(event).emitRaw(event, payload)
      expect([event, ack]).toEqual([event, expect.objectContaining({ ok: true })])
      expect([event, faultsOfAck(event, ack)]).toEqual([event, []])
      if (event === 'session:create' && ack.ok) ({ session } = ack.data as { session: Session })
    }
  })

  it.each(Object.keys(CLIENT_EVENTS))(
    'refuse a wrong payload of %s as documented',
    async (event) => {
      const payload = { unknown: true }
      expect(socket.faults(`#/components/schemas/${toId(event)}Payload`, payload)).not.toEqual([])
      const ack = await callerOf(event).emitRaw(event, payload)
      expect(ack).toMatchObject({ ok: false, error: { code: 'INVALID_FORMAT' } })
      expect(faultsOfAck(event, ack)).toEqual([])
    },
  )

  it('that are not documented are refused', async () => {
    const ack = await user.emitRaw('session:delete', { sessionId: session.id })
    expect(ack).toMatchObject({ ok: false, error: { code: 'INVALID_FORMAT' } })
  })

  it('of the server are as documented', () => {
    expect(user.received.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['ready', 'message:new', 'reply:start', 'reply:delta']),
    )
    for (const { event, payload } of user.received) {
      expect(Object.keys(SERVER_EVENTS)).toContain(event)
      const id = event === 'error' ? 'ErrorInfo' : `Server${toId(event)}Payload`
      expect([event, socket.faults(`#/components/schemas/${id}`, payload)]).toEqual([event, []])
    }
  })

  function faultsOfAck(event: string, ack: unknown): string[] {
    return socket.faults(`#/components/messages/${toId(event)}Ack/payload`, ack)
  }
})
