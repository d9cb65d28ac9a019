import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { toModelSettings } from '../environment/cluster.ts'
import { startModelServer, type ModelServer } from '../environment/model-server.ts'
import { signToken } from '../environment/tokens.ts'
import { describeWithBrowser } from './support/browser.ts'
import { useChatPages } from './support/chat-page.ts'
import { type ChatServer, startChatServer } from './support/chat-server.ts'
import { say } from './support/say.ts'

describeWithBrowser('parts of the chat page', () => {
  let model: ModelServer
  let server: ChatServer
  let closed: ChatServer
  const pages = useChatPages()

  beforeAll(async () => {
    model = await startModelServer()
    const settings = toModelSettings(model.url)
    ;[server, closed] = await Promise.all([
      startChatServer(settings),
      startChatServer({ ...settings, ALLOW_VISITORS: 'false' }),
    ])
  }, 60_000)

  afterAll(async () => {
    await Promise.all([server.stop(), closed.stop()])
    await model.stop()
  })

  it('says that one has to sign in where visitors are not let in', async () => {
    const page = await pages.browser.newPage()
    await page.goto(closed.url)
    await page.getByRole('heading', { name: 'Please sign in' }).waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'Please sign in' }).waitFor()
    await page.close()
  }, 30_000)

  it('takes a token from the application around it', async () => {
    const token = await signToken({ sub: 'ann@example.org', name: 'Ann' })
    const page = await pages.browser.newPage()
    await page.addInitScript((issued) => {
      window.addEventListener('chatbox:token-needed', (event) => {
        const { detail } = event as CustomEvent<{ provide(token: Promise<unknown>): void }>
        const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
        detail.provide(Promise.resolve({ token: issued, expiresAt }))
      })
    }, token)
    model.answer(say('welcome'))
    await page.goto(closed.url)
    await page.getByText('Connected').waitFor({ state: 'attached' })
    await page.getByLabel('Your message').fill('hello')
    await page.getByLabel('Your message').press('Enter')
    await page.locator('.row-reply').getByText('welcome').waitFor()
    await page.close()
  }, 30_000)

  it('copies code and whole answers', async () => {
    const chat = await pages.open(server.url)
    await chat.page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const clipboard = (): Promise<string> =>
      chat.page.evaluate(() => navigator.clipboard.readText())
    model.answer(say('Run **this**:\n\n```sh\nls -l\npwd\n```'))
    await chat.ask('how')
    await chat.waitForReply(1)
    await chat.page.getByRole('button', { name: 'Copy code' }).click()
    await chat.page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await clipboard()).toBe('ls -l\npwd\n')
    await chat.page.getByRole('button', { name: 'Copy', exact: true }).click()
    await chat.page.getByRole('button', { name: 'Copied' }).nth(1).waitFor()
    expect(await clipboard()).toContain('Run **this**')
  }, 30_000)

  it('reads earlier messages on the way up, keeps the place, and jumps back to the end', async () => {
    model.answer(say('ok'))
    const chat = await pages.open(server.url)
    for (let count = 1; count <= 30; count += 1) {
      await chat.ask(`question ${count}`)
      await chat.waitForReply(count)
    }
    await chat.page.reload()
    await chat.questions.getByText('question 30', { exact: true }).waitFor()
    expect(await chat.questions.getByText('question 1', { exact: true }).count()).toBe(0)
    const log = chat.page.getByRole('log')
    const first = chat.questions.first()
    const before = await first.textContent()
    await log.evaluate((element) => element.scrollTo(0, 60))
    await chat.questions.getByText('question 1', { exact: true }).waitFor()
    const place = chat.questions.filter({ hasText: before ?? '' }).first()
    expect((await place.boundingBox())?.y).toBeGreaterThan(-200)
    expect((await place.boundingBox())?.y).toBeLessThan(400)
    await chat.page.getByRole('button', { name: 'Jump to the latest message' }).click()
    await chat.page.waitForFunction(() => {
      const element = document.querySelector('[role=log]')
      return element && element.scrollHeight - element.scrollTop - element.clientHeight < 5
    })
  }, 60_000)
})
