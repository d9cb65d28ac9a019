import { describe, expect, it } from '@jest/globals'
import { createMetrics } from '@chatbox/kit'
import type { ChatUser } from '../support/chat-user.ts'
import { signToken } from '../environment/tokens.ts'
import { API } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import { BOSS, OLGA, useChats } from './takeover.support.ts'

const h = useGateway()
const { openChat, join, story } = useChats(h)

describe('help', () => {
  it('is asked for before the first question, in one step, and all viewers know', async () => {
    const chat = await openChat()
    const olga = await join(OLGA, chat)
    const sessionId = chat.session.id
    const { session } = await chat.ann.emit('help:request', { sessionId, note: 'A refund' })
    expect(session.help).toMatchObject({ note: 'A refund' })
    const seen = await olga.waitFor('session:updated', (told) => told.session.help !== null)
    expect(seen.session.help).toEqual(session.help)
    expect(await story(chat)).toEqual(['user help_requested'])
  })

  it('asked twice, from two tabs at once, is the first request', async () => {
    const chat = await openChat()
    const second = await h.connect({ userId: chat.ann.userId })
    const ask = (user: ChatUser, note: string) =>
      user.emit('help:request', { sessionId: chat.session.id, note })
    const asked = await Promise.all([ask(chat.ann, 'one'), ask(second, 'two')])
    expect(asked[0].session.help).toEqual(asked[1].session.help)
    expect((await ask(second, 'three')).session.help).toEqual(asked[0].session.help)
    expect(await story(chat)).toEqual(['user help_requested'])
  })

  it('is taken back once, and may be asked for again', async () => {
    const chat = await openChat()
    const sessionId = chat.session.id
    await chat.ann.emit('help:request', { sessionId })
    for (let times = 0; times < 2; times++) {
      const { session } = await chat.ann.emit('help:cancel', { sessionId })
      expect(session.help).toBeNull()
    }
    await chat.ann.emit('help:request', { sessionId })
    expect(await story(chat)).toEqual([
      'user help_requested',
      'user help_resolved',
      'user help_requested',
    ])
  })

  it('is not for an ended chat, and not asked for where a person is', async () => {
    const chat = await openChat()
    const sessionId = chat.session.id
    const olga = await join(OLGA, chat)
    await olga.emit('takeover:start', { sessionId })
    expect((await chat.ann.emit('help:request', { sessionId })).session.help).toBeNull()
    await chat.ann.emit('session:end', { sessionId })
    for (const event of ['help:request', 'help:cancel']) {
      expect(await chat.ann.refusal(event, { sessionId })).toMatchObject({ code: 'SESSION_ENDED' })
    }
    expect(await story(chat)).toEqual(['admin takeover_started', 'user session_ended'])
  })
})

describe('a person who helps', () => {
  it('shows its user an operator’s name and never the id, which operators see', async () => {
    const [secret, next] = ['olga@support.example', 'paul@support.example']
    const ann = await h.connect({ name: 'Ann' })
    const { session } = await ann.open()
    const chat = { ann, session }
    const sessionId = session.id
    const olga = await join({ ...OLGA, userId: secret }, chat)
    const boss = await join({ ...BOSS, userId: next }, chat)
    const answers: unknown[] = []
    await olga.emit('takeover:start', { sessionId })
    await olga.emit('typing', { sessionId, typing: true })
    const message = await olga.send(session, 'Hello')
    await olga.emit('message:read', { sessionId, seq: message.seq })
    answers.push(await ann.emit('help:request', { sessionId }), await ann.open({ sessionId }))
    answers.push(await ann.emit('session:history', { sessionId, beforeSeq: 3 }))
    await boss.emit('takeover:start', { sessionId, from: secret })
    await boss.emit('typing', { sessionId, typing: true })
    const token = await signToken({ sub: ann.userId })
    for (const route of [
      'sessions',
      `sessions/${sessionId}`,
      `sessions/${sessionId}/messages`,
      `sessions/${sessionId}/transcript?format=json`,
      `sessions/${sessionId}/transcript?format=html`,
    ]) {
      const answered = await fetch(`${h.gateway.url}${API}/${route}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(answered.status).toBe(200)
      answers.push(await answered.text())
    }
    await boss.emit('takeover:end', { sessionId })
    await ann.waitFor('message:new', (told) => told.message.event?.type === 'takeover_ended')
    const seen = JSON.stringify([answers, ann.received])
    expect(seen).not.toContain('support.example')
    for (const said of ['"typing"', 'message:receipt', 'takeover_started', 'Olga', 'Boss']) {
      expect(seen).toContain(said)
    }
    const heard = JSON.stringify([olga.received, await olga.open({ sessionId })])
    for (const id of [secret, next]) expect(heard).toContain(id)
    // One operator is one to the user, and another one is another.
    const ids = (await story({ ...chat, session }, ({ sender }) => sender.id)).slice(0, 3)
    expect([ids[0] === ids[1], ids[0] === ids[2]]).toEqual([true, false])
  })

  it('is counted once for each entry, and so is help', async () => {
    const metrics = createMetrics()
    const own = await h.startOther({}, { metrics })
    const counted = async (name: string) => {
      const text = await metrics.registry.getSingleMetricAsString(name)
      return Object.fromEntries<number>(
        [...text.matchAll(/\{change="([^"]+)"\} (\d+)/g)].map(([, change = '', n]) => [
          change,
          Number(n),
        ]),
      )
    }
    const ann = await h.connect({ url: own.url, name: 'Ann' })
    const { id: sessionId } = (await ann.open()).session
    const [olga, boss] = [
      await h.connect({ url: own.url, ...OLGA }),
      await h.connect({ url: own.url, ...BOSS }),
    ]
    for (const event of ['help:request', 'help:request', 'help:cancel', 'help:cancel'] as const) {
      await ann.emit(event, { sessionId })
    }
    for (let times = 0; times < 2; times++) await olga.emit('takeover:start', { sessionId })
    await boss.emit('takeover:start', { sessionId, from: 'olga' })
    await olga.refusal('takeover:end', { sessionId })
    for (let times = 0; times < 2; times++) await boss.emit('takeover:end', { sessionId })
    expect(await counted('chatbox_help_requests_total')).toEqual({ requested: 1, 'taken-back': 1 })
    expect(await counted('chatbox_takeovers_total')).toEqual({ started: 1, passed: 1, ended: 1 })
  })
})
