import { describe, expect, it } from '@jest/globals'
import type { Session } from '@chatbox/contract'
import { AppError, type Payer } from '@chatbox/core'
import { override } from '../environment/override.ts'
import { askHttp, readRefusal, API } from '../support/ask-http.ts'
import type { ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { signToken } from '../environment/tokens.ts'

const TRUSTED = { trustedProxies: ['127.0.0.1'] }
const h = useGateway({
  auth: { allowVisitors: true },
  server: TRUSTED,
  budgets: { userTokens: 1000, addressTokens: 2000 },
})

let charges = 0
/** As a worker does once an answer has ended. */
async function spend(payer: Payer | undefined, tokens: number): Promise<void> {
  const { ledger } = h.backend.ports
  const accounts = Object.entries(payer ?? {}).map(([scope, digest]) => `${scope}:${digest}`)
  await ledger.add({
    id: `charge-${charges++}`,
    day: new Date().toISOString().slice(0, 10),
    accounts,
    spending: { tokens, cost: 0 },
  })
}

async function visit(address: string, more: { url?: string; cookie?: string } = {}) {
  const { url = h.gateway.url, cookie } = more
  const headers = { 'x-forwarded-for': address, ...(cookie ? { cookie } : {}) }
  const answer = await askHttp(h, `${API}/visitors`, { method: 'POST', token: '', headers, url })
  const { token } = (await answer.clone().json()) as { token?: string }
  const pair = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
  return { answer, token: token ?? '', cookie: pair }
}

async function openVisitor(address: string) {
  const { token } = await visit(address)
  const user = await h.connect({ token, address })
  return { user, session: (await user.open()).session }
}

const payerOf = async ({ id }: Session) =>
  (await h.backend.ports.replies.findOpen(id))?.payer ?? undefined

const trySend = (user: ChatUser, session: Session, clientMessageId: string) =>
  user.refusal('message:send', { sessionId: session.id, clientMessageId, content: 'more' })

describe('a budget that is used up', () => {
  it('refuses a question before it is stored, and says when the next day begins', async () => {
    const user = await h.connect()
    const { session } = await user.open()
    const first = await user.send(session, 'Hello?', 'c1')
    const payer = await payerOf(session)
    expect(payer?.user).toMatch(/^[\w-]{22}$/)
    expect(payer?.address).toBeUndefined()
    await spend(payer, 1000)
    const error = await trySend(user, session, 'c2')
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', retryable: false })
    const leftMs = 86_400_000 - (Date.now() % 86_400_000)
    expect(Math.abs((error.retryAfterMs ?? 0) - leftMs)).toBeLessThan(5000)
    expect((await user.open()).session.lastSeq).toBe(1)
    // What is stored already is confirmed, so that nobody asks twice.
    expect(await user.send(session, 'Hello?', 'c1')).toEqual(first)
  })

  it('refuses on every socket of a user, and on every gateway', async () => {
    const other = await h.startOther({ budgets: { userTokens: 1000 } })
    const sockets = await Promise.all(
      [h.gateway.url, h.gateway.url, other.url].map((url) => h.connect({ url, userId: 'many' })),
    )
    const [one] = sockets
    if (!one) throw new Error('nobody is connected')
    const { session } = await one.open()
    await one.send(session, 'Hello?')
    await spend(await payerOf(session), 1000)
    for (const [i, user] of sockets.entries()) {
      expect((await trySend(user, session, `again-${i}`)).code).toBe('BUDGET_EXCEEDED')
    }
  })

  it('of an address refuses every visitor of it, and nobody of another', async () => {
    const here = await openVisitor('203.0.113.7')
    await here.user.send(here.session, 'Hello?')
    const payer = await payerOf(here.session)
    expect(payer?.address).toMatch(/^[\w-]{22}$/)
    await spend({ address: payer?.address ?? '' }, 2000)
    const next = await openVisitor('203.0.113.7')
    expect((await trySend(next.user, next.session, 'c1')).code).toBe('BUDGET_EXCEEDED')
    const there = await openVisitor('203.0.113.8')
    await there.user.send(there.session, 'Hello?')
    const signedIn = await h.connect({ address: '203.0.113.7' })
    await signedIn.send((await signedIn.open()).session, 'Hello?')
  })

  it('of an address counts a customer of IPv6, who owns a /64, as one', async () => {
    const [one, two, three] = [
      await openVisitor('2001:db8:1:1::1'),
      await openVisitor('2001:db8:1:1:ffff::2'),
      await openVisitor('2001:db8:1:2::1'),
    ]
    for (const { user, session } of [one, two, three]) await user.send(session, 'Hello?')
    const payers = await Promise.all([one, two, three].map(({ session }) => payerOf(session)))
    expect(payers[0]?.address).toBe(payers[1]?.address)
    expect(payers[0]?.address).not.toBe(payers[2]?.address)
  })

  it('keeps nobody from writing to a person who has taken over', async () => {
    const user = await h.connect()
    const { session } = await user.open()
    await user.send(session, 'Hello?')
    await spend(await payerOf(session), 1000)
    const { messages, clock } = h.backend.ports
    const by = { id: 'op', name: 'Op' }
    await messages.append({
      message: {
        id: clock.newId(),
        sessionId: session.id,
        kind: 'event',
        sender: { type: 'admin', ...by },
        content: '',
        attachments: [],
        status: 'complete',
        event: { type: 'takeover_started', by },
        createdAt: clock.now().toISOString(),
      },
    })
    expect((await user.send(session, 'Are you there?')).content).toBe('Are you there?')
  })

  it('lets messages through while nobody can tell: a worker decides', async () => {
    const { ledger } = h.backend.ports
    const read = () => Promise.reject(new AppError('UNAVAILABLE', 'away'))
    const own = await h.startOther(
      { budgets: { userTokens: 1 } },
      { ledger: override(ledger, { read }) },
    )
    const user = await h.connect({ url: own.url })
    await user.send((await user.open()).session, 'Hello?')
  })

  it('refuses to ask a question again, which keeps its failed answer', async () => {
    const user = await h.connect()
    const { session } = await user.open()
    await user.send(session, 'Hello?')
    const { replies, messages, clock } = h.backend.ports
    const open = await replies.findOpen(session.id)
    const task = open && (await replies.claim(open, 60_000))
    if (!task) throw new Error('not claimed')
    const finishedAt = clock.now().toISOString()
    const outcome = { status: 'failed', content: '', modelId: 'demo', finishedAt } as const
    await replies.commit(task, outcome)
    const sender = { type: 'ai', id: 'demo', name: 'Demo' } as const
    await messages.append({
      message: {
        ...{ id: task.replyId, sessionId: session.id, kind: 'text', sender, content: '' },
        ...{ attachments: [], replyTo: task.messageId, status: 'failed', createdAt: finishedAt },
      },
    })
    await replies.settle(task, task.epoch, 'done')
    await spend(task.payer, 1000)
    const retry = { sessionId: session.id, messageId: task.replyId }
    expect((await user.refusal('reply:retry', retry)).code).toBe('BUDGET_EXCEEDED')
    expect(await replies.findOpen(session.id)).toBeUndefined()
  })
})

describe('visitors', () => {
  it('have fewer calls a minute than users that a site vouches for', async () => {
    const other = await h.startOther({
      auth: { allowVisitors: true },
      limits: { rateLimit: 100, visitorRateLimit: 2 },
    })
    const { token } = await visit('203.0.113.9', { url: other.url })
    const guest = await h.connect({ url: other.url, token })
    const { session } = await guest.open()
    for (const id of ['c1', 'c2']) await guest.send(session, 'Hello?', id)
    expect(await trySend(guest, session, 'c3')).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
    const user = await h.connect({ url: other.url, token: await signToken({ sub: 'signed-in' }) })
    const own = (await user.open()).session
    for (const id of ['c1', 'c2', 'c3']) await user.send(own, 'Hello?', id)
  })

  it('become only a few new ones of one address, over two gateways; known ones come back', async () => {
    const options = {
      auth: { allowVisitors: true },
      server: TRUSTED,
      limits: { newVisitorsPerAddress: 4 },
    }
    const [one, two] = [await h.startOther(options), await h.startOther(options)]
    const address = '203.0.113.20'
    const { cookie } = await visit(address, { url: one.url })
    for (const { url } of [one, two, two]) {
      expect((await visit(address, { url })).answer.status).toBe(200)
    }
    const { answer } = await visit(address, { url: one.url })
    expect(await readRefusal(answer)).toEqual({ status: 429, code: 'TOO_MANY_REQUESTS' })
    expect((await visit(address, { url: two.url, cookie })).answer.status).toBe(200)
    expect((await visit('203.0.113.21', { url: one.url })).answer.status).toBe(200)
    // A proof that is not ours makes a new visitor, so it counts as one.
    const forged = await visit(address, { url: two.url, cookie: 'chatbox_visitor-chatbox=forged' })
    expect(forged.answer.status).toBe(429)
  })
})
