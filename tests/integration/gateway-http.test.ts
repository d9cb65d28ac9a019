import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { HTTP_ROUTES, LIMITS, type Session } from '@chatbox/contract'
import { override } from '../environment/override.ts'
import { API, askHttp, readRefusal, type Asked } from '../support/ask-http.ts'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway()
const MARKUP = `<script>alert("1")</script> & 'so on' \u{1F600}`

let user: ChatUser
let session: Session
let token: string

beforeAll(async () => {
  user = await openChatUser({ url: h.gateway.url, userId: 'reader', name: 'Re <b>ader' })
  token = user.token
  session = (await user.open()).session
  await user.send(session, MARKUP)
  for (let index = 2; index <= 250; index++) await user.send(session, `message ${index}`)
})

afterAll(() => {
  user.close()
})

const ask = (route: string, init: Asked = {}) => askHttp(h, route, { token, ...init })

describe('routes', () => {
  it.each([
    ['listModels', '/models'],
    ['listSessions', '/sessions?limit=1'],
    ['readSession', '/sessions/ID'],
    ['readMessages', '/sessions/ID/messages?afterSeq=2&limit=3'],
    ['readOpenApi', '/openapi.json'],
  ] as const)('%s answers what the contract says, and is never stored', async (name, route) => {
    const response = await ask(API + route.replace('ID', session.id))
    expect(response.status).toBe(200)
    const body: unknown = await response.json()
    expect(HTTP_ROUTES[name].response.parse(body)).toEqual(body)
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('pages through a log in both directions', async () => {
    const seqs = async (query: string) => {
      const response = await ask(`${API}/sessions/${session.id}/messages${query}`)
      const { messages, hasMore } = HTTP_ROUTES.readMessages.response.parse(await response.json())
      return [messages.length, messages[0]?.seq, messages.at(-1)?.seq, hasMore]
    }
    expect(await seqs('')).toEqual([LIMITS.historyPageDefault, 201, 250, true])
    expect(await seqs('?afterSeq=0&limit=200')).toEqual([200, 1, 200, true])
    expect(await seqs('?beforeSeq=4')).toEqual([3, 1, 3, false])
    expect(await seqs('?afterSeq=248')).toEqual([2, 249, 250, false])
  })

  it('ends a session twice alike, and tells those who look at it', async () => {
    const ender = await h.connect()
    const { session: mine } = await ender.open()
    const ended = []
    for (let times = 0; times < 2; times++) {
      const response = await ask(`${API}/sessions/${mine.id}/end`, {
        method: 'POST',
        token: ender.token,
      })
      expect(response.status).toBe(200)
      ended.push(await response.json())
    }
    expect(ended[1]).toEqual(ended[0])
    expect((await ender.waitFor('session:updated')).session.status).toBe('ended')
  })

  it('lists the own sessions by pages, with a cursor that is not made up', async () => {
    const lister = await h.connect()
    const ids: string[] = [(await lister.open()).session.id]
    for (let index = 0; index < 2; index++) {
      ids.push((await lister.emit('session:create', {})).session.id)
    }
    const found: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
      const response = await ask(`${API}/sessions?limit=2${query}`, { token: lister.token })
      const page = HTTP_ROUTES.listSessions.response.parse(await response.json())
      found.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(found.toSorted()).toEqual(ids.toSorted())
    const response = await ask(`${API}/sessions?cursor=made-up`, { token: lister.token })
    expect(await readRefusal(response)).toEqual({ status: 400, code: 'INVALID_FORMAT' })
  })
})

describe('transcripts', () => {
  const download = (format: string) =>
    ask(`${API}/sessions/${session.id}/transcript?format=${format}`)

  it('come as a file with every message, in all three forms', async () => {
    for (const format of ['txt', 'json', 'html']) {
      const response = await download(format)
      expect(response.headers.get('content-disposition')).toMatch(
        new RegExp(`^attachment; filename=session-[\\w.-]+\\.${format}$`, 'u'),
      )
      expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
      const text = await response.text()
      for (const index of [2, 200, 201, 250]) expect(text).toContain(`message ${index}`)
    }
  })

  it('hold text as text', async () => {
    const page = await (await download('html')).text()
    expect(page).toContain(
      '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;so on&#39; \u{1F600}',
    )
    expect(page).toContain('>Re &lt;b&gt;ader (User)</h2>')
    expect(page).not.toContain('<script')
    const file = (await (await download('json')).json()) as {
      messages: { seq: number; content: string }[]
    }
    expect(file.messages.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 250 }, (_, at) => at + 1),
    )
    expect(file.messages[0]?.content).toBe(MARKUP)
    expect(await (await download('txt')).text()).toContain(MARKUP)
  })

  it('that cannot be finished are cut, not ended', async () => {
    const { messages } = h.backend.ports
    const read: typeof messages.read = async (id, range) => {
      if ((range.afterSeq ?? 0) > 0) throw new Error('gone')
      return await messages.read(id, range)
    }
    const other = await h.startOther({}, { messages: override(messages, { read }) })
    const response = await ask(`${API}/sessions/${session.id}/transcript`, { url: other.url })
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    expect((await ask('/healthz', { url: other.url })).status).toBe(200)
  })
})
