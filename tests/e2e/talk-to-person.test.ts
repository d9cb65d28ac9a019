import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { toModelSettings } from '../environment/cluster.ts'
import { startModelServer, type ModelServer } from '../environment/model-server.ts'
import { type ChatUser, openChatUser } from '../support/chat-user.ts'
import { describeWithBrowser } from './support/browser.ts'
import { type ChatPage, useChatPages } from './support/chat-page.ts'
import { type ChatServer, startChatServer } from './support/chat-server.ts'
import { dictate } from './support/dictate.ts'

const ASSISTANT = 'An AI assistant answers here.'

describeWithBrowser('a visitor who wants a person', () => {
  let model: ModelServer
  let server: ChatServer
  let chat: ChatPage
  let operator: ChatUser | undefined
  const pages = useChatPages()

  beforeAll(async () => {
    model = await startModelServer()
    server = await startChatServer(toModelSettings(model.url))
  }, 60_000)

  afterEach(() => operator?.close())

  afterAll(async () => {
    await server.stop()
    await model.stop()
  })

  const says = (text: string) => chat.page.locator('.answers-who', { hasText: text }).waitFor()
  const press = (name: string) => chat.page.getByRole('button', { name }).click()

  /** An operator who reads the session that the page shows. */
  async function enterOperator(sessionId: string): Promise<ChatUser> {
    const url = `http://127.0.0.1:${server.port}`
    operator = await openChatUser({ url, userId: 'olga', name: 'Olga', roles: ['chat_admin'] })
    await operator.open({ sessionId })
    return operator
  }

  /** Opens the page and reads the id of its session off the wire. */
  async function openPage(): Promise<string> {
    const found = Promise.withResolvers<string>()
    chat = await pages.open(server.url)
    chat.page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const id = /"session":\{"id":"([^"]+)"/u.exec(String(payload))?.[1]
        if (id) found.resolve(id)
      }),
    )
    await chat.page.reload()
    return found.promise
  }

  it('asks for one before the first question, by keyboard, and may take it back', async () => {
    await openPage()
    await says(ASSISTANT)
    await chat.page.getByRole('button', { name: 'Talk to a person' }).focus()
    await chat.page.keyboard.press('Enter')
    await says('A person has been asked for.')
    await chat.page.locator('.event', { hasText: 'You asked for a person.' }).waitFor()
    expect((await new AxeBuilder({ page: chat.page }).analyze()).violations).toEqual([])
    await chat.page.reload()
    await says('A person has been asked for.')
    await press('Never mind')
    await says(ASSISTANT)
  }, 30_000)

  it('sees the assistant fall silent, who has come, and that the person has left', async () => {
    const sessionId = await openPage()
    await enterOperator(sessionId)
    await press('Talk to a person')
    const dictation = dictate(['It was sent on Mon', 'day.'])
    model.answer(dictation.answer)
    await chat.ask('Where is my order?')
    dictation.write(1)
    await chat.draft.getByText('It was sent on Mon').waitFor()
    await operator?.emit('takeover:start', { sessionId })
    await says('Olga from support is here.')
    dictation.finish()
    expect(await chat.draft.count()).toBe(0)
    const stopped = await chat.waitForReply(1)
    expect(stopped).toContain('It was sent on Mon')
    expect(stopped).not.toContain('Monday')
    await chat.page.locator('.event', { hasText: 'Olga joined this chat.' }).waitFor()
    expect(await chat.page.getByRole('button', { name: 'Talk to a person' }).count()).toBe(0)
    await operator?.send({ id: sessionId }, 'It is at your **door**.')
    expect(await chat.waitForReply(2)).toContain('Olga')
    await operator?.emit('takeover:end', { sessionId })
    await says(ASSISTANT)
    await chat.page.locator('.event', { hasText: 'Olga left this chat.' }).waitFor()
  }, 30_000)
})
