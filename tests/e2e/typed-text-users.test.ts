import { afterEach, beforeEach, expect, it } from '@jest/globals'
import type { BrowserContext, Page } from 'playwright-core'
import { signToken } from '../environment/tokens.ts'
import { describeWithBrowser } from './support/browser.ts'
import { useChats } from './support/chats.ts'
import { holds, readStored } from './support/typed-text.ts'

describeWithBrowser('what somebody has typed who signs in', () => {
  const chats = useChats()
  let context: BrowserContext
  let page: Page
  /** Whom the site around the page knows. It has no answer about somebody unknown. */
  let user: 'unknown' | 'visitor' | 'ann@example.org'

  beforeEach(async () => {
    context = await chats.browser.newContext()
    page = await context.newPage()
    await page.exposeFunction('issueToken', async () => {
      if (user === 'unknown') return undefined
      const token = await signToken({ sub: user, name: 'Ann' })
      return { token, expiresAt: new Date(Date.now() + 3_600_000).toISOString() }
    })
  })

  afterEach(() => context.close())

  /** Loads the page as the site shows it to this user. */
  async function load(shown: typeof user): Promise<void> {
    user = shown
    await page.addInitScript((isVisitor) => {
      Object.assign(window, { isVisitorHere: isVisitor })
    }, shown === 'visitor')
    await page.goto(chats.url)
    await page.getByLabel('Your message').waitFor()
  }

  it('is sent after it, also if it was typed before a reload', async () => {
    await provideTokens(page)
    await load('unknown')
    const input = page.getByLabel('Your message')
    await input.fill('sent before the sign-in')
    await input.press('Enter')
    await page.getByText('Waiting to be sent').waitFor()
    await input.pressSequentially('typed before the sign-in')
    await page.reload()
    await holds(page, 'typed before the sign-in')
    user = 'ann@example.org'
    // The page asks again by itself.
    await page.locator('.row-user:not(.row-unsent)').getByText('sent before the').waitFor()
    await holds(page, 'typed before the sign-in')
    await input.press('Enter')
    await page.locator('.row-user:not(.row-unsent)').getByText('typed before the').waitFor()
  }, 60_000)

  it('goes with a visitor, and is not shown to the visitor who comes after', async () => {
    await provideTokens(page)
    await load('visitor')
    await page.getByText('Connected').waitFor({ state: 'attached' })
    await page.getByLabel('Your message').fill('typed as a visitor')
    await load('ann@example.org')
    await holds(page, 'typed as a visitor')
    await page.getByText('Connected').waitFor({ state: 'attached' })
    expect(await readStored(page)).toEqual(['typed as a visitor'])
    await page.getByLabel('Your message').press('End')
    await page.getByLabel('Your message').pressSequentially(', sent by Ann')
    await load('visitor')
    await page.getByText('Connected').waitFor({ state: 'attached' })
    expect(await page.getByLabel('Your message').inputValue()).toBe('')
    await load('ann@example.org')
    await holds(page, 'typed as a visitor, sent by Ann')
    await page.getByLabel('Your message').press('Enter')
    await page.locator('.row-user:not(.row-unsent)').getByText('sent by Ann').waitFor()
  }, 60_000)
})

/** As a site that signs its users in. It leaves visitors to the server. */
async function provideTokens(page: Page): Promise<void> {
  await page.addInitScript(() => {
    addEventListener('chatbox:token-needed', (event) => {
      if (Reflect.get(window, 'isVisitorHere') === true) return
      const { detail } = event as CustomEvent<{ provide(token: unknown): void }>
      const ask = Reflect.get(window, 'issueToken') as () => Promise<unknown>
      detail.provide(ask().then((answer) => answer ?? Promise.reject(new Error('not yet'))))
    })
  })
}
