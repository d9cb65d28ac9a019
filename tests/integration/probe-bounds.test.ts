import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import type { ErrorCode, Message, Session } from '@chatbox/contract'
import { Server, type Socket } from 'socket.io'
import { parse } from 'yaml'
import { runEntry } from '../environment/servers/processes.ts'

jest.setTimeout(60_000)

const NOW = new Date().toISOString()
const SESSION: Session = {
  id: 'session',
  userId: 'visitor',
  userName: '',
  name: '',
  status: 'active',
  modelId: 'demo',
  startedAt: NOW,
  lastActivityAt: NOW,
  endedAt: null,
  lastSeq: 0,
  messageCount: 0,
  help: null,
  assistedBy: null,
  adminAssisted: false,
  usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0 },
  responseTimeMs: { avg: 0, max: 0 },
  shared: false,
}
const READY = {
  protocol: 1,
  user: { id: 'visitor', name: '', roles: ['user'] },
  models: [{ id: 'demo', name: 'Demo' }],
  limits: { contentLength: 10_000, messageBytes: 65_536, historyPage: 200, reconnectTimeoutMs: 1 },
  serverTime: NOW,
}

function toMessage(seq: number, fields: Partial<Message>): Message {
  return {
    id: randomUUID(),
    sessionId: SESSION.id,
    seq,
    kind: 'text',
    sender: { type: 'user', id: 'visitor', name: '' },
    content: '',
    attachments: [],
    status: 'complete',
    createdAt: NOW,
    ...fields,
  }
}

type Ack = (answer: unknown) => void

interface Asked {
  socket: Socket
  question: Message
  acknowledge: () => void
  refuse: (code: ErrorCode) => void
  /** From now on no request over HTTP is answered. */
  mute: () => void
}
/** What a gateway does when it is asked a question. */
type Reaction = (asked: Asked) => void

interface FakeGateway {
  page: string
  /** From its first request until the last one was answered or given up. */
  busyMs(): number
  /** How often it was told to end the session, once the socket is gone. */
  endings(): Promise<number>
}

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function startFakeGateway(react: Reaction): Promise<FakeGateway> {
  let [endings, startedAt, endedAt, isMute] = [0, 0, 0, false]
  const log: Message[] = []
  const gone = Promise.withResolvers<unknown>()
  const server = createServer((request, response) => {
    startedAt ||= performance.now()
    response.on('close', () => (endedAt = performance.now()))
    if (!isMute) answerHttp(request, response, log)
  })
  const io = new Server(server, { path: '/chatbox/socket.io' })
  io.on('connection', (socket) => {
    socket.onAnyOutgoing((event, { message }: { message: Message }) => {
      if (event === 'message:new') log.push(message)
    })
    socket.on('disconnect', () => gone.resolve(undefined))
    socket.emit('ready', READY)
    socket.on('session:open', (_: unknown, ack: Ack) => {
      ack({ ok: true, data: { session: SESSION, messages: [], hasMore: false, reply: null } })
    })
    socket.on('message:send', ({ content }: { content: string }, ack: Ack) => {
      const question = toMessage(1, { content })
      log.push(question)
      react({
        socket,
        question,
        acknowledge: () => ack({ ok: true, data: { message: question } }),
        refuse: (code) =>
          ack({ ok: false, error: { code, message: 'Refused.', retryable: false } }),
        mute: () => (isMute = true),
      })
    })
    socket.on('session:end', (_: unknown, ack: Ack) => {
      endings++
      ack({ ok: true, data: { session: SESSION } })
    })
  })
  const url = await listen(server)
  closers.push(() => io.close())
  return {
    page: `${url}/chatbox`,
    busyMs: () => endedAt - startedAt,
    endings: () => gone.promise.then(() => endings),
  }
}

async function listen(server: HttpServer): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return `http://127.0.0.1:${address.port}`
}

function answerHttp({ url = '' }: IncomingMessage, response: ServerResponse, log: Message[]): void {
  if (url.endsWith('/readyz')) response.end('{"ready":true,"checks":{"store":"ok"}}')
  else if (url.endsWith('/visitors')) response.end(JSON.stringify({ token: 't', expiresAt: NOW }))
  else response.end(JSON.stringify({ messages: log, hasMore: false }))
}

const answerWhole: Reaction = ({ socket, question, acknowledge }) => {
  acknowledge()
  const [replyId, modelId, content] = [randomUUID(), 'demo', 'It works.']
  const reply = { sessionId: SESSION.id, replyId, attempt: 1 }
  socket.emit('reply:start', { ...reply, replyTo: question.id, modelId })
  socket.emit('reply:delta', { ...reply, index: 0, text: content })
  const sender = { type: 'ai', id: modelId, name: 'Demo' } as const
  const answer = { id: replyId, sender, replyTo: question.id, content, modelId }
  socket.emit('message:new', { message: toMessage(2, answer) })
}

describe('a round trip', () => {
  it('ends in time where a question is never answered and nobody says why', async () => {
    const gateway = await startFakeGateway(({ acknowledge, mute }) => {
      acknowledge()
      mute()
    })
    const ended = await runEntry('probe', {}, ['--within', '5s', gateway.page])
    expect(ended).toEqual({
      code: 31,
      stdout: '',
      stderr: expect.stringMatching(/^probe: worker: the question was acknowledged and no worker/),
    })
    // The rest is for timers that are late on a busy machine.
    expect(gateway.busyMs()).toBeLessThan(5000 + 700)
    expect(gateway.busyMs()).toBeGreaterThan(4000)
  })

  it.each(['ack', 'answer'])('ends its session once, as far as the %s', async (end) => {
    const gateway = await startFakeGateway(answerWhole)
    const { code, stderr } = await runEntry('probe', {}, ['--until', end, gateway.page])
    expect({ code, stderr, endings: await gateway.endings() }).toEqual({
      code: 0,
      stderr: '',
      endings: 1,
    })
  })

  it.each([
    [
      'under its question',
      ({ socket, acknowledge }) => {
        acknowledge()
        const event = { type: 'session_ended', reason: 'user' } as const
        socket.emit('message:new', { message: toMessage(2, { kind: 'event', event }) })
      },
    ],
    ['before its question', ({ refuse }) => refuse('SESSION_ENDED')],
  ] satisfies [string, Reaction][])('names whoever ended its session %s', async (_, react) => {
    const gateway = await startFakeGateway(react)
    expect(await runEntry('probe', {}, [gateway.page])).toEqual({
      code: 30,
      stdout: '',
      stderr: expect.stringMatching(/^probe: session: somebody else ended the session: another/),
    })
  })
})

describe('the readiness check', () => {
  it.each([
    ['none', () => undefined],
    ['one without an end', (_, response) => void response.write('{"ready":')],
  ] satisfies [string, RequestListener][])(
    'says that it got no answer (%s) before a container engine ends it',
    async (_, listener) => {
      const server = createServer(listener)
      const MANAGEMENT_PORT = new URL(await listen(server)).port
      closers.push(async () => {
        server.closeAllConnections()
        server.close()
      })
      const { code, stderr } = await runEntry('probe', { MANAGEMENT_PORT }, ['--ready'])
      const [, limitMs] =
        /^probe: not ready: nothing answers on port \d+: no answer within (\d+) ms\n$/.exec(
          stderr,
        ) ?? []
      expect(code).toBe(1)
      // To start the probe takes a part of it as well.
      expect(Number(limitMs)).toBeLessThanOrEqual((await readEngineLimitMs()) - 1000)
    },
  )
})

/** What compose gives the health check. */
async function readEngineLimitMs(): Promise<number> {
  const file = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url))
  const { services } = parse(await readFile(file, 'utf8'), { merge: true }) as {
    services: { gateway: { healthcheck: { timeout: string } } }
  }
  return Number.parseInt(services.gateway.healthcheck.timeout, 10) * 1000
}
