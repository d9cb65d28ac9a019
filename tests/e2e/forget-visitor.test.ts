import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { signToken } from '../environment/tokens.ts'
import { describeWithBrowser } from './support/browser.ts'
import { type ChatPage, useChatPages } from './support/chat-page.ts'
import { type ChatServer, startChatServer } from './support/chat-server.ts'

const FORGET = 'Forget me on this device'

describeWithBrowser('a visitor who wants to be forgotten', () => {
  let server: ChatServer
  const pages = useChatPages()

  beforeAll(async () => {
    server = await startChatServer()
  }, 60_000)

  afterAll(async () => {
    await server.stop()
  })

  /** A visitor with a chat, and a text that is not sent. */
  async function openWithChat(options = {}): Promise<ChatPage> {
    const chat = await pages.open(server.url, options)
    await chat.ask('My secret question')
    await chat.waitForReply(1)
    await chat.input.fill('My unsent secret')
    return chat
  }

  async function forget(page: Page): Promise<void> {
    await page.getByRole('button', { name: FORGET }).click()
    await page.getByRole('group').getByRole('button', { name: 'Forget me' }).click()
  }

  async function isAnew(page: Page): Promise<void> {
    await page.getByRole('heading', { name: 'How can we help?' }).waitFor()
    await page.getByText('Connected').waitFor({ state: 'attached' })
    expect(await page.getByText('secret').count()).toBe(0)
    expect(await page.getByLabel('Your message').inputValue()).toBe('')
  }

  it('begins anew: no chat, no text, and another visitor, also after a reload', async () => {
    const chat = await openWithChat()
    const { page } = chat
    const [before] = await page.context().cookies(`${server.url}api/visitors`)
    await forget(page)
    await isAnew(page)
    const [after] = await page.context().cookies(`${server.url}api/visitors`)
    expect(subjectOf(after?.value)).toMatch(/^visitor:/u)
    expect(subjectOf(after?.value)).not.toBe(subjectOf(before?.value))
    expect(await readStored(page)).not.toContain('secret')
    await page.reload()
    await isAnew(page)
    await chat.ask('Somebody else asks')
    await chat.waitForReply(1)
  }, 60_000)

  it('takes the other tabs along', async () => {
    const chat = await openWithChat()
    const tab = await chat.page.context().newPage()
    await tab.goto(server.url)
    await tab.getByText('My secret question').first().waitFor()
    await forget(chat.page)
    await isAnew(tab)
    await isAnew(chat.page)
    expect(await readStored(tab)).not.toContain('secret')
    await tab.getByLabel('Your message').fill('One person')
    await tab.getByLabel('Your message').press('Enter')
    await chat.page.getByText('One person').first().waitFor()
  }, 60_000)

  it('is forgotten although another tab is just renewing its token', async () => {
    const chat = await openWithChat()
    const context = chat.page.context()
    const [before] = await context.cookies(`${server.url}api/visitors`)
    const tab = await context.newPage()
    const answered = Promise.withResolvers<undefined>()
    const released = Promise.withResolvers<undefined>()
    await tab.route('**/api/visitors', async (route) => {
      const response = await route.fetch()
      answered.resolve(undefined)
      await released.promise
      await route.fulfill({ response })
    })
    await tab.goto(server.url, { waitUntil: 'commit' })
    await answered.promise
    await forget(chat.page)
    released.resolve(undefined)
    await isAnew(chat.page)
    const [after] = await context.cookies(`${server.url}api/visitors`)
    expect(subjectOf(after?.value)).not.toBe(subjectOf(before?.value))
  }, 60_000)

  it('chats where the browser refuses a page whatever tabs share', async () => {
    const chat = await pages.open(server.url)
    await chat.page.addInitScript(() => {
      const refuse = function Refused(): void {
        throw new DOMException('The operation is insecure.', 'SecurityError')
      }
      Reflect.set(window, 'BroadcastChannel', refuse)
    })
    await chat.page.reload()
    await chat.ask('Is anybody there?')
    await chat.waitForReply(1)
    await forget(chat.page)
    await isAnew(chat.page)
  }, 60_000)

  it('is asked first, and keeps everything after a no', async () => {
    const { page, input } = await openWithChat()
    await page.getByRole('button', { name: FORGET }).click()
    await page.getByRole('group').getByText('We keep the messages').waitFor()
    await page.keyboard.press('Escape')
    const button = page.getByRole('button', { name: FORGET })
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)
    await button.press('Enter')
    // The focus is where nothing is lost.
    await page.keyboard.press('Enter')
    expect(await page.getByRole('group').count()).toBe(0)
    expect(await input.inputValue()).toBe('My unsent secret')
    await page.reload()
    await page.getByText('My secret question').first().waitFor()
    expect(await input.inputValue()).toBe('My unsent secret')
  }, 60_000)

  it('is told where that does not work, and keeps everything', async () => {
    const { page, input } = await openWithChat({ allowNetworkErrors: true })
    await page.route('**/api/visitors', (route) => route.abort())
    await forget(page)
    await page.getByText('The server cannot be reached.').waitFor()
    expect(await page.getByText('My secret question').count()).toBeGreaterThan(0)
    expect(await input.inputValue()).toBe('My unsent secret')
    expect(await readStored(page)).toContain('My unsent secret')
  }, 60_000)

  it('leaves nothing behind if another visitor cannot be had, and goes on when one can', async () => {
    const chat = await openWithChat({ allowNetworkErrors: true })
    const { page } = chat
    const tab = await page.context().newPage()
    await tab.goto(server.url)
    await tab.getByText('My secret question').first().waitFor()
    let isDown = true
    await page.context().route('**/api/visitors', async (route) => {
      if (isDown && route.request().method() === 'POST') await route.abort()
      else await route.continue()
    })
    await forget(page)
    for (const each of [page, tab]) {
      await each.getByText('secret').first().waitFor({ state: 'hidden' })
      expect(await readStored(each)).not.toContain('secret')
    }
    isDown = false
    await isAnew(page)
    await isAnew(tab)
  }, 60_000)

  it('is forgotten in a tab that is not connected yet', async () => {
    const chat = await openWithChat()
    const tab = await chat.page.context().newPage()
    await tab.routeWebSocket('**/socket.io/**', () => undefined)
    await tab.goto(server.url)
    await tab.locator('textarea').fill('My other secret')
    await forget(chat.page)
    await isAnew(chat.page)
    await tab.waitForFunction(() => document.querySelector('textarea')?.value === '')
    expect(await readStored(tab)).not.toContain('secret')
  }, 60_000)

  it('can do so on a phone', async () => {
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
    const { page } = await openWithChat(phone)
    await page.getByRole('button', { name: 'Show your chats' }).tap()
    const drawer = page.getByRole('dialog')
    await drawer.getByRole('button', { name: FORGET }).tap()
    await drawer.getByRole('group').getByRole('button', { name: 'Forget me' }).tap()
    await isAnew(page)
    expect(await drawer.count()).toBe(0)
  }, 60_000)

  it('is no user with an account, whose site signs them out', async () => {
    const context = await pages.browser.newContext({ viewport: { width: 1200, height: 800 } })
    const page = await context.newPage()
    const token = await signToken({ sub: 'ada', name: 'Ada' })
    const issued = { token, expiresAt: new Date(Date.now() + 3_600_000).toISOString() }
    await page.addInitScript((known) => {
      addEventListener('chatbox:token-needed', (event) => {
        const { detail } = event as CustomEvent<{ provide(token: unknown): void }>
        detail.provide(Promise.resolve(known))
      })
    }, issued)
    await page.goto(server.url)
    await page.getByText('Connected').waitFor({ state: 'attached' })
    await page.getByRole('navigation', { name: 'Your chats' }).waitFor()
    expect(await page.getByRole('button', { name: FORGET }).count()).toBe(0)
    await context.close()
  }, 30_000)
})

/** The visitor of a cookie's proof. */
function subjectOf(proof = ''): string {
  const claims = JSON.parse(atob(proof.split('.')[1] ?? '')) as { sub: string }
  return claims.sub
}

/** Everything that the page keeps of texts. */
async function readStored(page: Page): Promise<string> {
  return page.evaluate(
    () =>
      new Promise<string>((resolve, reject) => {
        const opening = indexedDB.open('chatbox-outbox')
        opening.onerror = () => reject(new Error('no database'))
        opening.onsuccess = () => {
          const reading = opening.result.transaction('messages').objectStore('messages').getAll()
          reading.onerror = () => reject(new Error('not read'))
          reading.onsuccess = () => resolve(JSON.stringify(reading.result))
        }
      }),
  )
}
