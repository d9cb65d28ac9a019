import { createLogger } from '@chatbox/kit'
import { afterEach, describe, expect, it } from '@jest/globals'
import { override } from '../environment/override.ts'
import { signToken } from '../environment/tokens.ts'
import { API, askHttp } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { OptionChanges, TestPorts } from '../support/test-gateway.ts'

const ADDRESS = '203.0.113.9'
const OPERATOR = { userId: 'operator', roles: ['chat_admin'] }
const h = useGateway()
let lines: string[] = []

/** A gateway that writes into `lines`, at the latest when it stops. */
async function startLogged(options: OptionChanges = {}, ports: Partial<TestPorts> = {}) {
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger('test', 'warn', { destination })
  const server = { trustedProxies: ['127.0.0.1'] }
  return h.startOther({ server, ...options }, { ...ports, logger })
}

interface Line {
  kind: string
  count: number
  from?: string
  users?: string[]
}

function eventsIn(): Line[] {
  return lines
    .map((line) => JSON.parse(line) as Line & { msg: string })
    .filter(({ msg }) => msg === 'security event')
    .map(({ kind, count, from, users }) => ({
      ...{ kind, count },
      ...(from !== undefined && { from }),
      ...(users && { users }),
    }))
}

const headers = { 'x-forwarded-for': ADDRESS }
const toMark = (name: string) => h.backend.ports.pseudonym(name)

async function enter(url: string, claims: { sub: string; roles?: string[] }) {
  const raw = await h.connectRaw({ url, headers })
  await raw.login(await signToken(claims))
  return raw
}

describe('what matters to security', () => {
  afterEach(() => {
    lines = []
  })

  it('is one line for refused tokens, in handshakes, requests and renewals', async () => {
    const own = await startLogged()
    for (let times = 0; times < 3; times++) {
      const raw = await h.connectRaw({ url: own.url, headers })
      raw.socket.send('40{"token":"nonsense"}')
      await raw.closed
    }
    await askHttp(h, `${API}/models`, { url: own.url, token: 'nonsense', headers })
    const raw = await enter(own.url, { sub: 'ann' })
    const token = await signToken({ sub: 'another' })
    raw.socket.send(`421${JSON.stringify(['token:refresh', { token }])}`)
    await raw.waitForFrame((frame) => frame.startsWith('431'))
    await own.stop()
    expect(eventsIn()).toEqual([{ kind: 'token-refused', count: 5, from: toMark(ADDRESS) }])
  })

  it('is not an expired token: a machine has slept', async () => {
    const own = await startLogged()
    const token = await signToken({ sub: 'late', exp: 1000 })
    await askHttp(h, `${API}/models`, { url: own.url, token, headers })
    await own.stop()
    expect(eventsIn()).toEqual([])
  })

  it('is who tries the id of another’s session, and not who mistypes one', async () => {
    const own = await startLogged()
    const owner = await h.connect({ url: own.url, userId: 'owner' })
    const { id } = (await owner.open()).session
    const raw = await enter(own.url, { sub: 'mallory' })
    const events = [
      ['session:open', { sessionId: id }],
      ['session:history', { sessionId: id, beforeSeq: 2 }],
      ['session:end', { sessionId: id }],
      ['message:send', { sessionId: id, clientMessageId: 'c', content: 'x' }],
      ['message:read', { sessionId: id, seq: 1 }],
      ['typing', { sessionId: id, typing: true }],
      ['reply:stop', { sessionId: id, replyId: 'r' }],
      ['reply:retry', { sessionId: id, messageId: 'm' }],
      ['model:select', { sessionId: id, modelId: 'other' }],
      ['session:open', { sessionId: 'nowhere' }],
    ]
    for (const [index, event] of events.entries()) {
      raw.socket.send(`42${index}${JSON.stringify(event)}`)
      await raw.waitForFrame((frame) => frame.startsWith(`43${index}[`))
    }
    const token = await signToken({ sub: 'mallory' })
    for (const route of [
      `sessions/${id}`,
      `sessions/${id}/messages`,
      `sessions/${id}/transcript`,
    ]) {
      await askHttp(h, `${API}/${route}`, { url: own.url, token, headers })
    }
    await own.stop()
    expect(eventsIn()).toEqual([
      { kind: 'foreign-id', count: 12, from: toMark(ADDRESS), users: [toMark('mallory')] },
    ])
    expect(id.endsWith(toMark('owner'))).toBe(true)
  })

  it('is an operator who reads, assists or ends another’s session, or loses the role', async () => {
    const own = await startLogged()
    const owner = await h.connect({ url: own.url, userId: 'owner' })
    const { session } = await owner.open()
    const operator = await h.connect({ url: own.url, ...OPERATOR })
    await operator.open({ sessionId: session.id })
    await operator.emit('typing', { sessionId: session.id, typing: true })
    await operator.open()
    await operator.emit('takeover:start', { sessionId: session.id })
    await operator.send(session, 'Hello')
    await operator.emit('takeover:end', { sessionId: session.id })
    await operator.emit('session:end', { sessionId: session.id })
    const { userId: sub, roles } = OPERATOR
    const token = await signToken({ sub, roles })
    await askHttp(h, `${API}/sessions/${session.id}/transcript`, { url: own.url, token })
    await operator.emit('token:refresh', { token: await signToken({ sub }) })
    await own.stop()
    const users = [toMark(OPERATOR.userId)]
    const here = toMark('127.0.0.1')
    expect(eventsIn()).toEqual([
      { kind: 'operator-read', count: 2, from: here, users },
      { kind: 'operator-assisted', count: 3, from: here, users },
      { kind: 'operator-ended', count: 1, from: here, users },
      { kind: 'role-lost', count: 1, from: here, users },
    ])
  })

  it('is every limit, of calls, connections and floods', async () => {
    const own = await startLogged({ limits: { rateLimit: 1, maxConnectionsPerUser: 1 } })
    const raw = await enter(own.url, { sub: 'eager' })
    const send = `["message:send",{"sessionId":"x","clientMessageId":"c","content":"x"}]`
    for (let index = 0; index < 4; index++) raw.socket.send(`42${index}${send}`)
    await raw.waitForFrame((frame) => frame.startsWith('433'))
    await expect(enter(own.url, { sub: 'eager' })).rejects.toThrow('CONNECTION_LIMIT')
    await own.stop()
    const [from, users] = [toMark(ADDRESS), [toMark('eager')]]
    expect(eventsIn()).toEqual([{ kind: 'limit-hit', count: 4, from, users }])
  })

  it('is each limit that no call of a rate meets', async () => {
    const { sessions } = h.backend.ports
    const find = () => new Promise<never>(() => undefined)
    const own = await startLogged({}, { sessions: override(sessions, { find }) })
    const raw = await enter(own.url, { sub: 'eager' })
    for (let index = 0; index < 65; index++) {
      raw.socket.send(`42${index}["session:open",{"sessionId":"none"}]`)
    }
    await raw.waitForFrame((frame) => frame.includes('TOO_MANY_REQUESTS'))
    const early = await h.connectRaw({ url: own.url, headers })
    for (let index = 0; index < 17; index++) early.socket.send('3')
    await early.closed
    await own.stop()
    expect(eventsIn()).toEqual([
      { kind: 'limit-hit', count: 2, from: toMark(ADDRESS), users: [toMark('eager')] },
    ])
  })

  it('is a line that is too long, and a budget that is used up', async () => {
    const { queue, ledger } = h.backend.ports
    let tokens = 0
    const own = await startLogged(
      { auth: { allowVisitors: true }, budgets: { userTokens: 1000 } },
      {
        queue: override(queue, { expectedWaitMs: () => 60_000 }),
        ledger: override(ledger, {
          read: async (_day, accounts) => accounts.map(() => ({ tokens, cost: 0 })),
        }),
      },
    )
    const { url } = own
    const answer = await askHttp(h, `${API}/visitors`, { url, method: 'POST', headers })
    const { token } = (await answer.json()) as { token: string }
    const visitor = await h.connect({ url, token, address: ADDRESS })
    const asked = await h.connect({ url, userId: 'spent', address: ADDRESS })
    for (const [user, code] of [
      [visitor, 'TOO_MANY_REQUESTS'],
      [asked, 'BUDGET_EXCEEDED'],
    ] as const) {
      const { session } = await user.open()
      const message = { sessionId: session.id, clientMessageId: 'c', content: 'x' }
      expect((await user.refusal('message:send', message)).code).toBe(code)
      tokens = 1000
    }
    await own.stop()
    expect(eventsIn()).toMatchObject([{ kind: 'limit-hit', count: 2, from: toMark(ADDRESS) }])
  })

  it('is a transcript that waits for points, and a slot that is missing', async () => {
    const { limiter, messages } = h.backend.ports
    const held = Promise.withResolvers<never>()
    const own = await startLogged(
      {},
      {
        limiter: override(limiter, {
          take: async ({ name }) =>
            name === 'transcript' ? { allowed: false, retryAfterMs: 60_000 } : { allowed: true },
        }),
        messages: override(messages, {
          read: async (...args) => (args[1].limit === 1 ? held.promise : messages.read(...args)),
        }),
      },
    )
    const { url } = own
    const user = await h.connect({ url, userId: 'reader' })
    const { session } = await user.open()
    await user.send(session, 'x')
    const get = async (route: string) =>
      askHttp(h, `${API}/sessions/${session.id}/${route}`, {
        url,
        token: await signToken({ sub: 'reader' }),
        headers,
      })
    await (await get('transcript')).text()
    const refused = await Promise.race(Array.from({ length: 17 }, () => get('messages?limit=1')))
    expect(refused.status).toBe(429)
    held.reject(new Error('released'))
    await own.stop()
    expect(eventsIn()).toEqual([
      { kind: 'limit-hit', count: 2, from: toMark(ADDRESS), users: [toMark('reader')] },
    ])
  })

  it('is a right that is missing: an operator who writes in another’s session', async () => {
    const own = await startLogged()
    const owner = await h.connect({ url: own.url, userId: 'owner' })
    const { id } = (await owner.open()).session
    const { userId: sub, roles } = OPERATOR
    const raw = await enter(own.url, { sub, roles })
    const message = { sessionId: id, clientMessageId: 'c', content: 'x' }
    for (const [index, event] of [
      ['message:send', message],
      ['reply:retry', { sessionId: id, messageId: 'm' }],
      ['model:select', { sessionId: id, modelId: 'other' }],
    ].entries()) {
      raw.socket.send(`42${index}${JSON.stringify(event)}`)
      await raw.waitForFrame(
        (frame) => frame.startsWith(`43${index}[`) && frame.includes('FORBIDDEN'),
      )
    }
    await own.stop()
    const by = { from: toMark(ADDRESS), users: [toMark(sub)] }
    expect(eventsIn()).toEqual([
      { kind: 'operator-assisted', count: 1, ...by },
      { kind: 'forbidden', count: 3, ...by },
    ])
  })

  it('names nobody in clear, whatever happens', async () => {
    const own = await startLogged()
    const raw = await enter(own.url, { sub: 'mallory@example.com' })
    const owner = await h.connect({ url: own.url, userId: 'owner' })
    const { id } = (await owner.open()).session
    raw.socket.send(`421${JSON.stringify(['session:open', { sessionId: id }])}`)
    await raw.waitForFrame((frame) => frame.startsWith('431'))
    await own.stop()
    expect(eventsIn()).toHaveLength(1)
    expect(lines.join('')).not.toMatch(/203\.0\.113|mallory/u)
  })
})
