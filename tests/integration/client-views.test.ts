import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  Connection,
  createMemoryStorage,
  Outbox,
  type SessionView,
  SessionViews,
} from '@chatbox/client'
import { type ChatUser, openChatUser } from '../support/chat-user.ts'
import {
  openTestBackend,
  startTestGateway,
  type TestBackend,
  type TestGateway,
} from '../support/test-gateway.ts'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'

/** As many as one connection may have open. */
const VIEWS = 50

describe('fifty views on one connection', () => {
  let backend: TestBackend
  let gateway: TestGateway
  let owners: ChatUser[]
  let connection: Connection
  let views: SessionViews

  beforeEach(async () => {
    backend = await openTestBackend()
    gateway = await startTestGateway(backend.ports)
    owners = await Promise.all(
      Array.from({ length: VIEWS }, () => openChatUser({ url: gateway.url })),
    )
    const token = await signToken({ sub: 'olga', roles: ['chat_admin'] })
    connection = new Connection({
      baseUrl: `${gateway.url}/chatbox`,
      getToken: async () => token,
    })
    views = new SessionViews({
      connection,
      outbox: new Outbox({
        storage: createMemoryStorage(),
        send: (payload) => connection.request('message:send', payload),
        onSent: (message) => views.onSent(message),
      }),
      onError: (error) => {
        throw error
      },
      random: Math.random,
    })
    connection.connect()
  })

  afterEach(async () => {
    views.close()
    connection.close()
    for (const owner of owners) owner.close()
    await gateway.stop()
    await backend.close()
  })

  const isOnline = (): boolean => connection.state.status === 'online'
  const textsOf = ({ state }: SessionView): string[] =>
    state.log.messages.map(({ content }) => content)

  async function sayAll(sessions: readonly string[], text: string): Promise<void> {
    await Promise.all(
      owners.map((owner, index) => owner.send({ id: sessions[index] ?? '' }, `${text} ${index}`)),
    )
  }

  it('show each its own session, live and after a gap, also when one of them is closed', async () => {
    await waitUntil(isOnline)
    const opened = await Promise.all(owners.map((owner) => owner.open()))
    const sessions = opened.map(({ session }) => session.id)
    const all: SessionView[] = []
    for (const sessionId of sessions) all.push(await views.open({ sessionId }))
    await sayAll(sessions, 'live')
    await waitUntil(() => all.every(({ state }) => state.log.lastSeq === 1))
    expect(all.map(textsOf)).toEqual(owners.map((_, index) => [`live ${index}`]))
    all[0]?.close()
    connection.restart()
    expect(isOnline()).toBe(false)
    await sayAll(sessions, 'missed')
    await waitUntil(isOnline)
    await views.catchUp()
    const missed = owners.map((_, index) => [`live ${index}`, `missed ${index}`])
    expect(all.slice(1).map(textsOf)).toEqual(missed.slice(1))
    expect(all.slice(0, 1).map(textsOf)).toEqual([['live 0']])
  })
})
