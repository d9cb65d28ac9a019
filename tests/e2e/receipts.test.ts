import { fileURLToPath } from 'node:url'
import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import type { Message } from '@chatbox/contract'
import { override } from '../environment/override.ts'
import { buildWeb } from '../../scripts/build-web.ts'
import { findFreePort } from '../environment/servers/ports.ts'
import { type ChatUser, openChatUser } from '../support/chat-user.ts'
import {
  openTestBackend,
  startTestGateway,
  type TestBackend,
  type TestGateway,
} from '../support/test-gateway.ts'
import { describeWithBrowser } from './support/browser.ts'
import { type ChatPage, useChatPages } from './support/chat-page.ts'

const WEB_ROOT = fileURLToPath(new URL('../../web/chat/dist/', import.meta.url))
const OLGA = { id: 'olga', name: 'Olga' }

describeWithBrowser('who has read what', () => {
  let backend: TestBackend
  let gateway: TestGateway
  let chat: ChatPage
  const pages = useChatPages()
  let operator: ChatUser
  let sessionId = ''

  beforeAll(async () => {
    await buildWeb()
    backend = await openTestBackend()
    const port = await findFreePort()
    const sessions = override(backend.ports.sessions, {
      async create(session) {
        sessionId = session.id
        return await backend.ports.sessions.create(session)
      },
    })
    gateway = await startTestGateway(
      { ...backend.ports, sessions },
      {
        server: { port, allowedOrigins: [`http://127.0.0.1:${port}`] },
        auth: { allowVisitors: true },
        webRoot: WEB_ROOT,
      },
    )
  }, 60_000)

  afterEach(() => operator.close())

  afterAll(async () => {
    await gateway.stop()
    await backend.close()
  })

  /** An entry by a person: as nobody can take a session over yet, it goes past the gateway. */
  async function append(entry: Pick<Message, 'kind' | 'content' | 'event'>): Promise<Message> {
    const { messages, bus } = backend.ports
    const { message } = await messages.append({
      message: {
        ...{ id: crypto.randomUUID(), sessionId, attachments: [], status: 'complete' },
        ...{ sender: { type: 'admin', ...OLGA }, createdAt: new Date().toISOString() },
        ...entry,
      },
    })
    await bus.publish(sessionId, { event: 'message:new', payload: { message } })
    return message
  }

  async function open(): Promise<void> {
    chat = await pages.open(`${gateway.url}/chatbox/`)
    await chat.page.getByRole('heading', { name: 'How can we help?' }).waitFor()
    operator = await openChatUser({ url: gateway.url, userId: OLGA.id, roles: ['chat_admin'] })
    await operator.open({ sessionId })
  }

  it('shows that a person has read a message until the answer comes, and tells what was read', async () => {
    await open()
    const event = { type: 'takeover_started' as const, by: OLGA }
    const joined = await append({ kind: 'event', content: '', event })
    await operator.waitFor('message:receipt', ({ seq }) => seq === joined.seq)
    const seen = chat.page.locator('.row-user .seen')
    await chat.ask('Is anybody there?')
    await chat.ask('Hello?')
    await chat.questions.nth(1).waitFor()
    expect(await seen.count()).toBe(0)
    await operator.emit('message:read', { sessionId, seq: 2 })
    await chat.questions.nth(0).getByText('Seen').waitFor()
    await operator.emit('message:read', { sessionId, seq: 3 })
    await chat.questions.nth(1).getByText('Seen').waitFor()
    expect(await seen.count()).toBe(1)
    expect((await new AxeBuilder({ page: chat.page }).analyze()).violations).toEqual([])
    const answer = await append({ kind: 'text', content: 'I am.' })
    await chat.waitForReply(1)
    expect(await seen.count()).toBe(0)
    await operator.waitFor('message:receipt', ({ seq }) => seq === answer.seq)
  }, 30_000)

  it('shows nothing to a visitor whom the model answers while somebody looks on', async () => {
    await open()
    await chat.ask('Is anybody there?')
    await chat.questions.first().waitFor()
    await operator.emit('message:read', { sessionId, seq: 1 })
    await operator.emit('typing', { sessionId, typing: true })
    await chat.page.getByText('is typing').waitFor()
    expect(await chat.page.locator('.seen').count()).toBe(0)
  }, 30_000)
})
