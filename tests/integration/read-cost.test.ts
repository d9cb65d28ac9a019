import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Session } from '@chatbox/contract'
import { signToken } from '../environment/tokens.ts'
import { API, askHttp } from '../support/ask-http.ts'
import type { ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { TestGateway } from '../support/test-gateway.ts'

/** Five points of reads for each. */
const RATE_LIMIT = 8
const POINTS = 5 * RATE_LIMIT
const h = useGateway()

let long: Session
let short: Session
let ownerToken: string

async function write(user: ChatUser, count: number, content: string): Promise<Session> {
  const { session } = await user.emit('session:create', {})
  for (let index = 0; index < count; index++) await user.send(session, content)
  return session
}

beforeAll(async () => {
  const token = await signToken({ sub: 'owner' })
  const owner = await h.connect({ token })
  ownerToken = token
  long = await write(owner, 60, '🙂'.repeat(5000))
  short = await write(owner, 120, 'a short line')
}, 60_000)

interface Reader {
  user: ChatUser
  url: string
  other: string
  token: string
}

/** An operator whom two gateways know, who may read everything and has read nothing. */
async function openReader(): Promise<Reader> {
  const limits = { rateLimit: RATE_LIMIT }
  const pair: TestGateway[] = [await h.startOther({ limits }), await h.startOther({ limits })]
  const [one, two] = pair.map(({ url }) => url)
  if (!one || !two) throw new Error('no gateways')
  const token = await signToken({ sub: `op-${crypto.randomUUID()}`, roles: ['chat_admin'] })
  return { user: await h.connect({ url: one, token }), url: one, other: two, token }
}

const isOk = async (answer: Promise<unknown>) => answer.then(() => true).catch(() => false)
const get = async ({ other, token }: Reader, route: string) => {
  const response = await askHttp(h, API + route, { url: other, token })
  await response.arrayBuffer()
  if (response.status !== 200) throw new Error(`status ${response.status}`)
}

/** How often `read` is answered, one after the other, before it is refused. */
async function countReads(read: (reader: Reader) => Promise<unknown>): Promise<number> {
  const reader = await openReader()
  let count = 0
  while (count <= POINTS && (await isOk(read(reader)))) count++
  return count
}

describe('what a read of a user costs', () => {
  it('is one point for the owner’s session, and two for another’s, which is looked up first', async () => {
    const own = await countReads(({ user }) => user.open())
    expect(own).toBe(POINTS)
    const others = await countReads(({ user }) => user.open({ sessionId: short.id }))
    expect(others).toBe(POINTS / 2)
  })

  it.each<[string, (reader: Reader) => Promise<unknown>]>([
    ['a page over HTTP', (reader) => get(reader, `/sessions/${short.id}/messages`)],
    ['a list', (reader) => get(reader, '/sessions')],
    ['the models', (reader) => get(reader, '/models')],
  ])('is one point for %s', async (_what, read) => {
    expect(await countReads(read)).toBe(POINTS)
  })

  it.each<[string, number, (reader: Reader) => Promise<unknown>]>([
    ['an opened session', 2, ({ user }) => user.open({ sessionId: long.id })],
    ['a catch-up', 2, ({ user }) => user.open({ sessionId: long.id, afterSeq: 3 })],
    [
      'older entries',
      1,
      ({ user }) => user.emit('session:history', { sessionId: long.id, beforeSeq: 50 }),
    ],
    ['a page over HTTP', 1, (reader) => get(reader, `/sessions/${long.id}/messages?limit=200`)],
  ])('is two points more for 200,000 characters: %s', async (_what, points, read) => {
    const count = await countReads(read)
    // The last of them may go beyond what is left.
    expect(count).toBe(Math.ceil(POINTS / (points + 2)))
  })

  it('is counted by its length over all gateways', async () => {
    const reader = await openReader()
    for (let times = 0; times < 5; times++) {
      await reader.user.open({ sessionId: long.id })
      await get(reader, `/sessions/${long.id}/messages?limit=200`)
    }
    // 35 of 40 points.
    await get(reader, '/models')
    expect(await isOk(get(reader, `/sessions/${long.id}/messages`))).toBe(true)
    expect(await isOk(get(reader, '/models'))).toBe(true)
    expect(await isOk(get(reader, '/models'))).toBe(false)
    expect((await reader.user.refusal('session:open', {})).code).toBe('TOO_MANY_REQUESTS')
    // Another user pays for nothing of it, and messages cost other points.
    const other = { url: reader.other, token: ownerToken }
    expect((await askHttp(h, `${API}/models`, other)).status).toBe(200)
  })

  it('is one point more for 120 entries, however short they are', async () => {
    const count = await countReads(({ user }) => user.open({ sessionId: short.id, limit: 200 }))
    expect(count).toBe(Math.ceil(POINTS / 3))
  })
})

/** Reads until `length` bytes have come, and leaves the rest. */
async function takeBytes(response: Response, length: number): Promise<void> {
  const reader = response.body?.getReader()
  for (let taken = 0; taken < length;) {
    const { value } = (await reader?.read()) ?? {}
    if (!value) throw new Error('the response has ended')
    taken += value.length
  }
}

describe('what a transcript costs', () => {
  const toTranscript = () => `${API}/sessions/${long.id}/transcript`
  it.each([
    ['its owner', { sub: 'owner' }],
    ['an operator', { sub: 'reads-all', roles: ['chat_admin'] }],
  ])('keeps %s from nothing else, on no gateway', async (_who, claims) => {
    const limits = { rateLimit: 1 }
    const one = await h.startOther({ limits })
    const two = await h.startOther({ limits })
    const token = await signToken(claims)
    // Five points: 25 entries of 20,000 bytes.
    const left = new AbortController()
    const asked = { url: one.url, token, signal: left.signal }
    await takeBytes(await askHttp(h, toTranscript(), asked), 490_000)
    // The transcript's own call was one of five reads.
    const user = await h.connect({ url: two.url, token })
    const readOn = () => user.emit('session:history', { sessionId: short.id, beforeSeq: 2 })
    for (let index = 0; index < 4; index++) await readOn()
    expect(await isOk(readOn())).toBe(false)
    left.abort()
  })
})
