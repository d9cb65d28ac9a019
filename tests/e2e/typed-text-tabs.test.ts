import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeWithBrowser } from './support/browser.ts'
import { useChats } from './support/chats.ts'
import { expectStored, holds } from './support/typed-text.ts'

const TEXT = '  My order has not come.\n\nIt was number 47'

describeWithBrowser('what a visitor has typed in one of several tabs', () => {
  const chats = useChats()

  it('survives that another tab begins a new chat, and stays apart from that tab', async () => {
    const chat = await chats.connect()
    await chat.ask('First question')
    await chat.waitForReply(1)
    const tab = await chat.page.context().newPage()
    await tab.goto(chats.url)
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
    const chat = await chats.connect()
    await chat.input.fill(TEXT)
    const twin = await duplicate(chat.page)
    await holds(twin, TEXT)
    await keepTheirOwn(chat.page, twin)
    await twin.close()
    await chat.page.close()
  }, 30_000)

  it('is kept apart from a duplicate that is made of its tab while that is hidden', async () => {
    const chat = await chats.connect()
    await chat.input.fill(TEXT)
    await setHidden(chat.page, true)
    const twin = await duplicate(chat.page)
    await holds(twin, TEXT)
    await setHidden(chat.page, false)
    await keepTheirOwn(chat.page, twin)
    await twin.close()
  }, 30_000)

  it.each<[string, (box: Page) => Promise<void>]>([
    ['sent', (page) => page.getByLabel('Your message').press('Enter')],
    ['deleted', (page) => page.getByLabel('Your message').fill('')],
    [
      'replaced by another one that was sent',
      async (page) => {
        await page.getByLabel('Your message').fill('Something else')
        await page.getByLabel('Your message').press('Enter')
      },
    ],
  ])(
    'is not found by later tabs once a copy of it was %s',
    async (_, finish) => {
      const chat = await chats.connect()
      await chat.input.fill(TEXT)
      const [second, third] = await openTabs(chat.page, 2)
      for (const tab of [second, third]) await holds(tab, TEXT)
      await finish(second)
      await holds(second, '')
      await expectStored(second, [])
      const [later] = await openTabs(chat.page, 1)
      await later.getByText('Connected').waitFor({ state: 'attached' })
      expect(await later.getByLabel('Your message').inputValue()).toBe('')
    },
    30_000,
  )
})

/** Expects that each of two tabs has its own text after a reload. */
async function keepTheirOwn(first: Page, twin: Page): Promise<void> {
  await twin.getByLabel('Your message').fill('written in the twin')
  await first.getByLabel('Your message').fill('written in the first')
  await Promise.all([first.reload(), twin.reload()])
  await holds(first, 'written in the first')
  await holds(twin, 'written in the twin')
}

async function openTabs(page: Page, count: number): Promise<[Page, Page]> {
  const tabs: Page[] = []
  for (let index = 0; index < count; index += 1) {
    const tab = await page.context().newPage()
    await tab.goto(page.url())
    tabs.push(tab)
  }
  return tabs as [Page, Page]
}

/** A window that a page opens begins with a copy of its session storage, as a duplicate does. */
async function duplicate(page: Page): Promise<Page> {
  const [twin] = await Promise.all([
    page.context().waitForEvent('page'),
    page.evaluate(() => void window.open(location.href)),
  ])
  return twin
}

/** As when another tab comes to the front; a browser without a window shows all of its tabs. */
async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
    document.dispatchEvent(new Event('visibilitychange'))
  }, isHidden)
}
