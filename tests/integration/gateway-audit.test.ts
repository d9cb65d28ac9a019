import { describe, expect, it } from '@jest/globals'
import { HTTP_ROUTES } from '@chatbox/contract'
import { AppError, type AuditLog } from '@chatbox/core'
import { signToken } from '../environment/tokens.ts'
import { API, askHttp, readRefusal } from '../support/ask-http.ts'
import type { ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway()

const CANARY = 'a canary of words'
const OPERATOR_ROLES = ['chat_admin']
const toOperator = () => ({ userId: `olga-${crypto.randomUUID()}`, roles: OPERATOR_ROLES })
const admin = () => signToken({ sub: 'boss', roles: ['admin'] })

async function openChat(): Promise<{ ann: ChatUser; sessionId: string }> {
  const ann = await h.connect({ userId: `ann-${crypto.randomUUID()}` })
  const { session } = await ann.open()
  await ann.send(session, CANARY)
  return { ann, sessionId: session.id }
}

async function ask(route: string, init: Parameters<typeof askHttp>[2] = {}): Promise<Response> {
  return askHttp(h, `${API}/admin/${route}`, { token: await admin(), ...init })
}

async function read(route: string): Promise<unknown> {
  return (await ask(route)).json()
}

async function entriesOf(actor: string) {
  const page = HTTP_ROUTES.listAudit.response.parse(
    await read(`audit?actor=${encodeURIComponent(actor)}`),
  )
  return page.items.toReversed()
}

describe('the audit log', () => {
  it('has each reading and each act of an operator in the session of another, by ids', async () => {
    const { sessionId } = await openChat()
    const who = toOperator()
    const olga = await h.connect(who)
    await olga.open({ sessionId })
    await olga.open({ sessionId, afterSeq: 1 })
    await olga.emit('session:history', { sessionId, beforeSeq: 2 })
    await olga.emit('typing', { sessionId, typing: true })
    await olga.emit('takeover:start', { sessionId })
    for (const content of ['one', CANARY]) {
      await olga.emit('message:send', { sessionId, clientMessageId: crypto.randomUUID(), content })
    }
    await olga.emit('takeover:end', { sessionId })
    const token = await signToken({ sub: who.userId, roles: OPERATOR_ROLES })
    await (await askHttp(h, `${API}/sessions/${sessionId}/transcript`, { token })).text()
    await olga.emit('session:end', { sessionId })
    const entries = await entriesOf(who.userId)
    expect(entries.map(({ action }) => action)).toEqual([
      'session:open',
      'session:history',
      'takeover:start',
      'message:send',
      'takeover:end',
      'downloadTranscript',
      'session:end',
    ])
    expect(entries.every((entry) => entry.sessionId === sessionId)).toBe(true)
    expect(JSON.stringify(entries)).not.toContain(CANARY)
  })

  it('has nothing of what people do to their own, or are refused', async () => {
    const { ann, sessionId } = await openChat()
    const stranger = await h.connect({ userId: `eve-${crypto.randomUUID()}` })
    await stranger.refusal('session:open', { sessionId })
    await stranger.refusal('takeover:start', { sessionId })
    await ann.emit('session:history', { sessionId, beforeSeq: 2 })
    await ann.emit('session:end', { sessionId })
    for (const user of [ann, stranger]) expect(await entriesOf(user.ready.user.id)).toEqual([])
  })

  it('has what an admin does, and that it was read', async () => {
    await ask('revocations', { method: 'POST', body: JSON.stringify({ userId: 'mallory' }) })
    await ask('revocations/mallory', { method: 'DELETE' })
    await entriesOf('boss')
    const targets = (await entriesOf('boss')).map(({ action, target }) => [action, target])
    expect(targets).toEqual(
      expect.arrayContaining([
        ['revokeUser', 'userId=mallory'],
        ['endRevocation', 'mallory'],
        ['listAudit', 'actor=boss'],
      ]),
    )
  })

  it('is whole, and tells a head that is not in it', async () => {
    const verify = async (query = '') =>
      HTTP_ROUTES.verifyAudit.response.parse(await read(`audit/verify${query}`))
    const { head, faults, next } = await verify()
    expect({ faults, next }).toEqual({ faults: [], next: null })
    expect((await verify(`?head=${head?.seq}.${head?.hash}`)).faults).toEqual([])
    const forged = `${head?.seq}.${'x'.repeat(43)}`
    expect((await verify(`?head=${forged}`)).faults).toMatchObject([{ fault: 'replaced' }])
    const refused = await readRefusal(await ask('audit/verify?head=nothing'))
    expect(refused.code).toBe('INVALID_FORMAT')
  })

  it('comes first: what cannot be written is refused, and nothing is done or shown', async () => {
    const { ann, sessionId } = await openChat()
    const { audit } = h.backend.ports
    const away: AuditLog = {
      append: () => Promise.reject(new AppError('UNAVAILABLE', 'Away.')),
      list: (filter) => audit.list(filter),
      read: (seq, limit) => audit.read(seq, limit),
      remove: (seq) => audit.remove(seq),
    }
    const other = await h.startOther({}, { audit: away })
    const olga = await h.connect({ ...toOperator(), url: other.url })
    for (const event of ['session:open', 'takeover:start', 'session:end']) {
      expect(await olga.refusal(event, { sessionId })).toMatchObject({ code: 'UNAVAILABLE' })
    }
    const { session } = await ann.open({ sessionId })
    expect(session).toMatchObject({ status: 'active', assistedBy: null })
    await ann.emit('session:end', { sessionId })
  })
})

describe('the queues', () => {
  const post = (route: string, body: object) =>
    ask(`queues/${route}`, { method: 'POST', body: JSON.stringify(body) })

  it('are shown, paused and resumed, and each act is in the audit log', async () => {
    const figures = async () => HTTP_ROUTES.listQueues.response.parse(await read('queues')).items
    expect(await figures()).toMatchObject([{ name: 'jobs', paused: false }])
    expect(await (await post('jobs/pause', { paused: true })).json()).toEqual({ paused: true })
    expect(await figures()).toMatchObject([{ paused: true }])
    const { sessionId } = await openChat()
    const waiting = HTTP_ROUTES.listJobs.response.parse(
      await read('queues/jobs/jobs?state=waiting&limit=200'),
    )
    expect(waiting.items).toEqual(expect.arrayContaining([expect.objectContaining({ sessionId })]))
    expect(JSON.stringify(waiting)).not.toContain(CANARY)
    await post('jobs/pause', { paused: false })
    expect(await (await post('jobs/retry', {})).json()).toEqual({ retried: 0, next: null })
    const noted = (await entriesOf('boss')).map(({ action, target }) => `${action} ${target}`)
    expect(noted).toEqual(
      expect.arrayContaining([
        'pauseQueue jobs paused=true',
        'pauseQueue jobs paused=false',
        'retryJobs jobs',
        'listJobs jobs state=waiting',
      ]),
    )
  })

  it('refuse what is not there or no input', async () => {
    for (const [route, body, code] of [
      ['unknown/pause', { paused: true }, 'NOT_FOUND'],
      ['jobs/retry', { jobId: 'unknown' }, 'NOT_FOUND'],
      ['jobs/retry', { jobId: 'a', class: 'INTERNAL' }, 'INVALID_FORMAT'],
      ['jobs/retry', { class: 'some words' }, 'INVALID_FORMAT'],
      ['jobs/retry', { after: 'x' }, 'INVALID_FORMAT'],
      ['jobs/pause', {}, 'INVALID_FORMAT'],
    ] as const) {
      expect(await readRefusal(await post(route, body))).toMatchObject({ code })
    }
  })
})
