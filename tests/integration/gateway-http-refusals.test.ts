import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ERROR_STATUS, errorBodySchema, type Session } from '@chatbox/contract'
import { override } from '../environment/override.ts'
import { API, askHttp, readRefusal, type Asked } from '../support/ask-http.ts'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { openTestBackend, type OptionChanges } from '../support/test-gateway.ts'
import { signToken } from '../environment/tokens.ts'

const h = useGateway()

let user: ChatUser
let session: Session
let token: string

beforeAll(async () => {
  user = await openChatUser({ url: h.gateway.url, userId: 'reader', name: 'Re <b>ader' })
  token = user.token
  session = (await user.open()).session
})

afterAll(() => {
  user.close()
})

const ask = (route: string, init: Asked = {}) => askHttp(h, route, { token, ...init })

describe('what is refused', () => {
  it.each([
    ['no such route', 'GET /nothing', 'NOT_FOUND'],
    ['no such method', 'DELETE /models', 'NOT_FOUND'],
    ['another case', 'GET /MODELS', 'NOT_FOUND'],
    ['a slash at the end', 'GET /models/', 'NOT_FOUND'],
    ['an unknown field', 'GET /models?x=1', 'INVALID_FORMAT'],
    ['a wrong number', 'GET /sessions?limit=many', 'INVALID_FORMAT'],
    ['too large a page', 'GET /sessions?limit=201', 'INVALID_FORMAT'],
    ['a value given twice', 'GET /sessions?limit=1&limit=2', 'INVALID_FORMAT'],
    ['nested values', 'GET /sessions?limit[$gt]=1', 'INVALID_FORMAT'],
    ['both bounds', 'GET /sessions/ID/messages?afterSeq=1&beforeSeq=2', 'INVALID_FORMAT'],
    ['an id that is none', 'GET /sessions/a%00b', 'INVALID_FORMAT'],
    ['a cut escape', 'GET /sessions/%E0%A4%A', 'INVALID_FORMAT'],
    ['an unknown format', 'GET /sessions/ID/transcript?format=exe', 'INVALID_FORMAT'],
    ['an unknown session', 'GET /sessions/unknown', 'NOT_FOUND'],
    ['messages of an unknown session', 'GET /sessions/unknown/messages', 'NOT_FOUND'],
    ['the end of an unknown session', 'POST /sessions/unknown/end', 'NOT_FOUND'],
    ['a transcript of an unknown session', 'GET /sessions/unknown/transcript', 'NOT_FOUND'],
  ] as const)('%s: %s', async (_what, line, code) => {
    const [method = '', route = ''] = line.split(' ')
    const response = await ask(API + route.replace('ID', session.id), { method })
    expect(await readRefusal(response)).toEqual({ status: ERROR_STATUS[code], code })
  })

  it.each([
    ['cut JSON', '{"a":', 400],
    ['text', 'hello', 400],
    ['a field', '{"reason":"x"}', 400],
    ['a list', '[]', 400],
    ['too much', `{"x":"${'x'.repeat(20_000)}"}`, 413],
  ])('a body of %s', async (what, body, status) => {
    const headers = { 'content-type': what === 'text' ? 'text/plain' : 'application/json' }
    const end = { method: 'POST', body, headers }
    const response = await ask(`${API}/sessions/${session.id}/end`, end)
    expect(await readRefusal(response)).toEqual({ status, code: 'INVALID_FORMAT' })
    expect((await user.open()).session.status).toBe('active')
  })

  it('is the same for somebody else as for what does not exist', async () => {
    const other = await signToken({ sub: 'thief' })
    for (const [method, rest] of [
      ['GET', ''],
      ['GET', '/messages'],
      ['GET', '/transcript'],
      ['POST', '/end'],
    ] as const) {
      const [foreign, unknown] = await Promise.all(
        [session.id, 'unknown'].map(async (id) => {
          const response = await ask(`${API}/sessions/${id}${rest}`, { method, token: other })
          const { error } = errorBodySchema.parse(await response.json())
          return { status: response.status, ...error, requestId: '' }
        }),
      )
      expect(foreign).toEqual(unknown)
      expect(foreign).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    }
    const operator = await signToken({ sub: 'op', roles: ['admin'] })
    expect((await ask(`${API}/sessions/${session.id}`, { token: operator })).status).toBe(200)
  })

  it.each([
    ['no token', '', 'UNAUTHORIZED'],
    ['nonsense', 'nonsense', 'UNAUTHORIZED'],
    ['an expired token', 'expired', 'TOKEN_EXPIRED'],
    [
      'an unsigned token',
      `${btoa('{"alg":"none"}')}.${btoa('{"sub":"reader","exp":9999999999}')}.`,
      'UNAUTHORIZED',
    ],
  ])('%s: 401', async (_what, shown, code) => {
    const bad = shown === 'expired' ? await signToken({ sub: 'reader', exp: 1000 }) : shown
    expect(await readRefusal(await ask(`${API}/models`, { token: bad }))).toEqual({
      status: 401,
      code,
    })
    // A token is never read from an address.
    expect((await ask(`${API}/models?token=${token}`, { token: '' })).status).toBe(401)
  })

  it.each([
    'https://evil.example',
    'http://shop.example',
    'null',
    'https://shop.example.evil.example',
  ])('the origin %s', async (origin) => {
    const response = await ask(`${API}/models`, { headers: { origin } })
    expect(await readRefusal(response)).toEqual({ status: 403, code: 'FORBIDDEN' })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('a fault of our own says nothing about itself', async () => {
    const fail = () => Promise.reject(new Error('mongodb://user:pass@host'))
    const sessions = override(h.backend.ports.sessions, { find: fail })
    const other = await h.startOther({}, { sessions })
    const response = await ask(`${API}/sessions/x`, { url: other.url })
    const text = await response.clone().text()
    expect(await readRefusal(response)).toEqual({ status: 500, code: 'INTERNAL' })
    expect(text).not.toContain('mongodb')
  })
})

describe('limits', () => {
  it('refuse with Retry-After, by user where there is a token', async () => {
    const other = await h.startOther({ limits: { rateLimit: 1 } })
    const mine = await signToken({ sub: 'eager reader' })
    const answers = []
    for (let times = 0; times < 6; times++) {
      answers.push(await ask(`${API}/models`, { url: other.url, token: mine }))
    }
    const last = answers.at(-1)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429])
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    const another = await signToken({ sub: 'another reader' })
    expect((await ask(`${API}/models`, { url: other.url, token: another })).status).toBe(200)
  })

  it('count by the address that a trusted proxy names, and believe nobody else', async () => {
    const count = async (options: OptionChanges) => {
      const own = await openTestBackend()
      const other = await h.startOther(options, own.ports)
      const statuses = await Promise.all(
        Array.from({ length: 301 }, async (_, index) => {
          const headers = { 'x-forwarded-for': `203.0.113.${index % 250}` }
          const response = await ask(`${API}/openapi.json`, { url: other.url, token: '', headers })
          await response.arrayBuffer()
          return response.status
        }),
      )
      await other.stop()
      await own.close()
      return statuses.filter((status) => status === 429).length
    }
    expect(await count({ server: { trustedProxies: [] } })).toBe(1)
    expect(await count({ server: { trustedProxies: ['127.0.0.0/8'] } })).toBe(0)
  })
})
