import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { signToken } from '../environment/tokens.ts'
import { describeWithBrowser } from './support/browser.ts'
import { type ChatPage, useChatPages } from './support/chat-page.ts'
import { type ChatServer, startChatServer } from './support/chat-server.ts'

const TEXT = '  My order has not come.\n\nIt was number 47'

describeWithBrowser('what a visitor has typed', () => {
  let server: ChatServer
  const pages = useChatPages()

  beforeAll(async () => {
    server = await startChatServer()
  }, 60_000)

  afterAll(async () => {
    await server.stop()
  })

  async function open(): Promise<ChatPage> {
    const chat = await pages.open(server.url)
    await isConnected(chat.page)
    return chat
  }

  it('survives a reload at once after the last key, and again', async () => {
    const chat = await open()
    for (const word of ['one ', 'two, typed fast ', 'three, and a long line ', 'four ', 'five']) {
      const before = await chat.input.inputValue()
      await chat.input.press('End')
      await chat.input.pressSequentially(word)
      await chat.page.reload()
      await holds(chat.page, before + word)
    }
    await chat.input.press('Enter')
    await chat.questions.getByText('one two, typed fast three').waitFor()
    await chat.page.reload()
    await chat.questions.getByText('one two, typed fast three').waitFor()
    expect(await chat.input.inputValue()).toBe('')
    expect(await readStored(chat.page)).toEqual([])
  }, 60_000)

  it('survives leaving the page and coming back', async () => {
    const chat = await open()
    await chat.input.fill(TEXT)
    await chat.page.goto('about:blank')
    await chat.page.goBack()
    await holds(chat.page, TEXT)
    await chat.page.goto('about:blank')
    await chat.page.goto(server.url)
    await holds(chat.page, TEXT)
  }, 30_000)

  it('survives a look at an ended chat, and its own end', async () => {
    const chat = await open()
    await chat.ask('First question')
    await chat.waitForReply(1)
    await chat.page.getByRole('button', { name: 'New chat' }).first().click()
    await chat.page.getByRole('heading', { name: 'How can we help?' }).waitFor()
    await chat.input.fill(TEXT)
    const items = chat.page.getByRole('navigation', { name: 'Your chats' }).getByRole('listitem')
    await items.filter({ hasText: 'First question' }).getByRole('button').click()
    await chat.page.getByRole('button', { name: 'Continue in the current chat' }).click()
    await holds(chat.page, TEXT)
    await chat.ask('Second question')
    await chat.waitForReply(1)
    await chat.input.fill(TEXT)
    await chat.page.getByRole('button', { name: 'End chat' }).click()
    await chat.page.getByRole('group').getByRole('button', { name: 'End chat' }).click()
    await chat.page.getByRole('button', { name: 'Start a new chat' }).waitFor()
    await chat.page.reload()
    await holds(chat.page, TEXT)
  }, 60_000)

  it('survives that another tab begins a new chat, and stays apart from that tab', async () => {
    const chat = await open()
    await chat.ask('First question')
    await chat.waitForReply(1)
    const tab = await chat.page.context().newPage()
    await tab.goto(server.url)
    await tab.getByText('First question').first().waitFor()
    await chat.input.fill(TEXT)
    await tab.getByRole('button', { name: 'New chat' }).first().click()
    await tab.getByRole('heading', { name: 'How can we help?' }).waitFor()
    await tab.getByLabel('Your message').fill('of the other tab')
    await chat.page.getByRole('button', { name: 'Continue in the current chat' }).click()
    await holds(chat.page, TEXT)
    await Promise.all([chat.page.reload(), tab.reload()])
    await holds(chat.page, TEXT)
    await holds(tab, 'of the other tab')
  }, 60_000)

  it('is found by a new tab, and kept apart from a duplicate of its own tab', async () => {
    const chat = await open()
    await chat.input.fill(TEXT)
    // A window that a page opens begins with a copy of its session storage, as a duplicate does.
    const [twin] = await Promise.all([
      chat.page.context().waitForEvent('page'),
      chat.page.evaluate(() => void window.open(location.href)),
    ])
    await holds(twin, TEXT)
    await twin.getByLabel('Your message').fill('written in the twin')
    await chat.input.fill('written in the first')
    await Promise.all([chat.page.reload(), twin.reload()])
    await holds(chat.page, 'written in the first')
    await holds(twin, 'written in the twin')
    await twin.close()
    await chat.page.close()
  }, 30_000)

  it('survives a sign-in and a reload before it, and is sent after it', async () => {
    const context = await pages.browser.newContext()
    const page = await context.newPage()
    const token = await signToken({ sub: 'ann@example.org', name: 'Ann' })
    let isSignedIn = false
    const issued = { token, expiresAt: new Date(Date.now() + 3_600_000).toISOString() }
    await page.exposeFunction('issueToken', () => (isSignedIn ? issued : undefined))
    await page.addInitScript(() => {
      addEventListener('chatbox:token-needed', (event) => {
        const { detail } = event as CustomEvent<{ provide(token: unknown): void }>
        const ask = Reflect.get(window, 'issueToken') as () => Promise<unknown>
        detail.provide(ask().then((answer) => answer ?? Promise.reject(new Error('not yet'))))
      })
    })
    await page.goto(server.url)
    const input = page.getByLabel('Your message')
    await input.fill('sent before the sign-in')
    await input.press('Enter')
    await page.getByText('Waiting to be sent').waitFor()
    await input.pressSequentially('typed before the sign-in')
    await page.reload()
    await holds(page, 'typed before the sign-in')
    isSignedIn = true
    // The page asks again by itself.
    await page.locator('.row-user:not(.row-unsent)').getByText('sent before the').waitFor()
    await holds(page, 'typed before the sign-in')
    await input.press('Enter')
    await page.locator('.row-user:not(.row-unsent)').getByText('typed before the').waitFor()
    await context.close()
  }, 60_000)

  const BROKEN: [string, () => void][] = [
    ['is missing', () => Object.defineProperty(window, 'indexedDB', { value: undefined })],
    ['is null', () => Object.defineProperty(window, 'indexedDB', { value: null })],
    [
      'throws',
      () => {
        IDBFactory.prototype.open = () => {
          throw new DOMException('not allowed', 'SecurityError')
        }
      },
    ],
    [
      'never answers',
      () => {
        IDBFactory.prototype.open = () => new EventTarget() as IDBOpenDBRequest
      },
    ],
    [
      'fails later',
      () => {
        IDBFactory.prototype.open = () => {
          const request = { onerror: undefined as (() => void) | undefined, error: new Error('no') }
          setTimeout(() => request.onerror?.(), 50)
          return request as unknown as IDBOpenDBRequest
        }
      },
    ],
    [
      'and the session storage refuse',
      () => {
        Object.defineProperty(window, 'indexedDB', {
          get: () => {
            throw new DOMException('no', 'SecurityError')
          },
        })
        Object.defineProperty(window, 'sessionStorage', {
          get: () => {
            throw new DOMException('no', 'SecurityError')
          },
        })
      },
    ],
  ]
  it.each(BROKEN)(
    'is sent all the same when the database %s',
    async (_, breakDatabase) => {
      const chat = await open()
      await chat.page.addInitScript(breakDatabase)
      await chat.page.reload()
      await isConnected(chat.page)
      await chat.ask('Is anybody there?')
      await chat.waitForReply(1)
      expect(await chat.input.inputValue()).toBe('')
      expect(await chat.unsent.count()).toBe(0)
    },
    30_000,
  )
})

describeWithBrowser('a chat in which somebody types', () => {
  const pages = useChatPages()

  it('does not end, and ends when nobody types any more', async () => {
    const idle = { RECONNECT_TIMEOUT: '8s', SESSION_IDLE_TIMEOUT: '8s' }
    const server = await startChatServer({ ...DEMO, ...idle })
    try {
      const chat = await pages.open(server.url)
      await chat.ask('A question')
      await chat.waitForReply(1)
      // The sweep for idle sessions comes every 15 to 30 s.
      const until = Date.now() + 40_000
      let typed = ''
      while (Date.now() < until) {
        await chat.input.pressSequentially('word ', { delay: 100 })
        typed += 'word '
      }
      expect(await chat.input.inputValue()).toBe(typed)
      await chat.page.getByText('nobody wrote for a while').first().waitFor({ timeout: 45_000 })
    } finally {
      await server.stop()
    }
  }, 150_000)
})

const DEMO = {
  LLM_PROVIDER_1_ID: 'demo',
  LLM_PROVIDER_1_NAME: 'Demo',
  LLM_PROVIDER_1_TYPE: 'demo',
}

async function isConnected(page: Page): Promise<void> {
  await page.getByText('Connected').waitFor({ state: 'attached' })
}

/** Waits until the message box has this text. */
async function holds(page: Page, text: string): Promise<void> {
  await page.getByLabel('Your message').waitFor()
  await page
    .waitForFunction(
      (wanted) => document.querySelector<HTMLTextAreaElement>('#message')?.value === wanted,
      text,
      { timeout: 10_000 },
    )
    .catch(async () => {
      expect(await page.getByLabel('Your message').inputValue()).toBe(text)
    })
}

/** The texts that the browser has stored. */
async function readStored(page: Page): Promise<string[]> {
  return page.evaluate(
    () =>
      new Promise<string[]>((resolve, reject) => {
        const request = indexedDB.open('chatbox-outbox')
        request.onerror = () => reject(new Error('no database'))
        request.onsuccess = () => {
          const all = request.result.transaction('messages').objectStore('messages').getAll()
          all.onsuccess = () =>
            resolve(all.result.map((item: { text?: string; content?: string }) => item.text ?? ''))
        }
      }),
  )
}
