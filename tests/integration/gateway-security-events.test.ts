import { createLogger } from '@chatbox/kit'
import { afterEach, describe, expect, it } from '@jest/globals'
import { signToken } from '../environment/tokens.ts'
import { API, askHttp } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'

const ADDRESS = '203.0.113.9'
const OPERATOR = { userId: 'operator', roles: ['chat_admin'] }
const h = useGateway()
let lines: string[] = []

/** A gateway that writes into `lines`, at the latest when it stops. */
async function startLogged(limits: { rateLimit?: number; maxConnectionsPerUser?: number } = {}) {
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger('test', 'warn', { destination })
  return h.startOther({ limits, server: { trustedProxies: ['127.0.0.1'] } }, { logger })
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

  it('is an operator who reads or ends another’s session, or loses the role', async () => {
    const own = await startLogged()
    const owner = await h.connect({ url: own.url, userId: 'owner' })
    const { session } = await owner.open()
    const operator = await h.connect({ url: own.url, ...OPERATOR })
    await operator.open({ sessionId: session.id })
    await operator.emit('typing', { sessionId: session.id, typing: true })
    await operator.open()
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
      { kind: 'operator-ended', count: 1, from: here, users },
      { kind: 'role-lost', count: 1, from: here, users },
    ])
  })

  it('is every limit, of calls, connections and floods', async () => {
    const own = await startLogged({ rateLimit: 1, maxConnectionsPerUser: 1 })
    const raw = await enter(own.url, { sub: 'eager' })
    const send = `["message:send",{"sessionId":"x","clientMessageId":"c","content":"x"}]`
    for (let index = 0; index < 4; index++) raw.socket.send(`42${index}${send}`)
    await raw.waitForFrame((frame) => frame.startsWith('433'))
    await expect(enter(own.url, { sub: 'eager' })).rejects.toThrow('CONNECTION_LIMIT')
    await own.stop()
    const [from, users] = [toMark(ADDRESS), [toMark('eager')]]
    expect(eventsIn()).toEqual([{ kind: 'limit-hit', count: 4, from, users }])
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
