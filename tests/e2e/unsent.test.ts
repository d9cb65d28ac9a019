import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals'
import { findFreePort } from '../environment/servers/ports.ts'
import { startTcpProxy, type TcpProxy } from '../environment/servers/tcp-proxy.ts'
import { describeWithBrowser } from './support/browser.ts'
import { type ChatPage, useChatPages } from './support/chat-page.ts'
import { type ChatServer, startChatServer } from './support/chat-server.ts'
import { signToken } from '../environment/tokens.ts'

describeWithBrowser('messages that cannot be sent at once', () => {
  let server: ChatServer
  let link: TcpProxy
  let chat: ChatPage
  const pages = useChatPages()

  beforeAll(async () => {
    const port = await findFreePort()
    server = await startChatServer(undefined, [`http://127.0.0.1:${port}`])
    link = await startTcpProxy({ port: server.port }, { port })
  }, 60_000)

  beforeEach(async () => {
    const url = `http://127.0.0.1:${link.port}/chatbox/`
    chat = await pages.open(url, { allowNetworkErrors: true })
    await chat.page.getByText('Connected').waitFor({ state: 'attached' })
  })

  afterEach(async () => {
    await link.restore()
  })

  afterAll(async () => {
    await link.close()
    await server.stop()
  })

  it('marks them while there is no connection, and sends them once in their order after', async () => {
    await link.cut('refuse')
    await chat.page.getByText('No connection.').waitFor()
    await chat.ask('first words')
    await chat.ask('second words')
    await chat.unsent.getByText('Waiting to be sent').nth(1).waitFor()
    expect(await chat.questions.count()).toBe(0)
    await link.restore()
    await chat.questions.nth(1).waitFor({ timeout: 30_000 })
    await expectUnsent(0)
    expect(await chat.questions.allInnerTexts()).toEqual([
      expect.stringContaining('first words'),
      expect.stringContaining('second words'),
    ])
  }, 60_000)

  it('sends again what was sent into a dead connection, and the server has it once', async () => {
    await chat.ask('before')
    await chat.waitForReply(1)
    link.freeze()
    await chat.ask('into the dark')
    await chat.unsent.waitFor()
    // Without an acknowledgement in 8 s the page gives the connection up and makes a new one.
    await chat.questions.getByText('into the dark').waitFor({ timeout: 30_000 })
    await chat.waitForReply(2)
    // The browser keeps dead connections of its requests too, and would reload the page over one.
    await link.cut('reset')
    await link.restore()
    await chat.page.reload()
    await chat.replies.nth(1).waitFor()
    expect(await chat.questions.getByText('into the dark').count()).toBe(1)
  }, 60_000)

  it('keeps them over a reload', async () => {
    await chat.ask('before')
    await chat.waitForReply(1)
    await link.cut('reset')
    await chat.page.getByText('No connection.').waitFor()
    await chat.ask('survives the reload')
    await chat.unsent.waitFor()
    await link.restore()
    await chat.page.reload()
    await chat.questions.getByText('survives the reload').waitFor({ timeout: 30_000 })
    await chat.waitForReply(2)
    expect(await chat.questions.getByText('survives the reload').count()).toBe(1)
  }, 60_000)

  it('sends what was written before the page knew its user, also after a reload', async () => {
    await chat.page.route('**/api/visitors', (route) => route.abort())
    await chat.page.reload()
    await chat.ask('written early')
    await chat.unsent.getByText('Waiting to be sent').waitFor()
    await chat.page.reload()
    await chat.page.unroute('**/api/visitors')
    await chat.questions.getByText('written early').waitFor({ timeout: 30_000 })
    await chat.waitForReply(1)
    await expectUnsent(0)
  }, 60_000)

  it('shows and sends nothing of a user in whose place another one signs in', async () => {
    let userId = 'alice'
    // It is about to expire, so that the page asks again for each connection.
    await chat.page.exposeFunction('issueToken', async () => ({
      token: await signToken({ sub: userId }),
      expiresAt: new Date().toISOString(),
    }))
    await chat.page.addInitScript(() => {
      addEventListener('chatbox:token-needed', (event) => {
        const { detail } = event as CustomEvent<{ provide(token: unknown): void }>
        detail.provide((Reflect.get(window, 'issueToken') as () => unknown)())
      })
    })
    await chat.page.reload()
    await chat.ask('sent by alice')
    await chat.waitForReply(1)
    await link.cut('reset')
    await chat.page.getByText('No connection.').waitFor()
    await chat.ask('waits for alice')
    await chat.unsent.waitFor()
    await chat.input.fill('typed by alice')
    userId = 'bob'
    await link.restore()
    await chat.page.getByText('How can we help?').waitFor({ timeout: 30_000 })
    expect(await chat.input.inputValue()).toBe('')
    await chat.ask('sent by bob')
    await chat.waitForReply(1)
    expect(await chat.page.locator('.page').innerText()).not.toContain('alice')
    expect(await chat.page.title()).not.toContain('alice')
    userId = 'alice'
    await link.cut('reset')
    await link.restore()
    await chat.questions.getByText('waits for alice').waitFor({ timeout: 30_000 })
    await expectUnsent(0)
    expect(await chat.page.locator('.page').innerText()).not.toContain('bob')
  }, 90_000)

  async function expectUnsent(count: number): Promise<void> {
    await chat.page.waitForFunction(
      (wanted) => document.querySelectorAll('.row-unsent').length === wanted,
      count,
    )
  }
})
