import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import type { Browser } from 'playwright-core'
import { toModelSettings } from '../environment/cluster.ts'
import { startModelServer, type ModelServer } from '../environment/model-server.ts'
import { waitUntil } from '../environment/wait-until.ts'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { describeWithBrowser, openBrowser } from './support/browser.ts'
import { startChatServer, type ChatServer } from './support/chat-server.ts'
import { signIn, type ConsolePage } from './support/console-page.ts'
import { dictate } from './support/dictate.ts'
import { useChatPages } from './support/chat-page.ts'

const OLGA = 'olga@site.org'
const PAUL = 'paul@site.org'
const OPERATORS = `${OLGA}:admin,${PAUL}:chat_admin`

describeWithBrowser('an operator at the console', () => {
  let model: ModelServer
  let server: ChatServer
  let browser: Browser
  /** So many links may be asked for from one address, so each operator signs in once. */
  let olga: ConsolePage
  let paul: ConsolePage
  const users: ChatUser[] = []
  const visitors = useChatPages()

  beforeAll(async () => {
    model = await startModelServer()
    const settings = { ...toModelSettings(model.url), OPERATORS, OPERATOR_TAGS: 'refund,bug' }
    server = await startChatServer(settings)
    browser = await openBrowser()
    olga = await signIn({ browser, server }, OLGA)
    paul = await signIn({ browser, server }, PAUL)
  }, 60_000)

  afterEach(() => {
    for (const user of users.splice(0)) user.close()
    for (const { incidents } of [olga, paul]) {
      expect(incidents).toEqual({ faults: [], foreignRequests: [] })
    }
  })

  afterAll(async () => {
    await olga.close()
    await paul.close()
    await browser.close()
    await server.stop()
    await model.stop()
  })

  async function askForHelp(name: string) {
    const user = await openChatUser({ url: `http://127.0.0.1:${server.port}`, name })
    users.push(user)
    const { session } = await user.open()
    await user.emit('help:request', { sessionId: session.id })
    return { user, session }
  }

  it('signs in by a link that works once and leaves no trace in the address', async () => {
    expect(olga.page.url()).toBe(`${server.url}console/`)
    await olga.show()
    const other = await browser.newPage()
    await other.goto(`${server.url}console/${new URL(olga.link).hash}`)
    await other.getByRole('heading', { name: 'Sign in to the console' }).waitFor()
    expect(other.url()).toBe(`${server.url}console/`)
    expect(await other.locator('.views').count()).toBe(0)
    await other.close()
  }, 30_000)

  it('sees who asks, takes over in the middle of a word, talks, and hands back', async () => {
    const chat = await visitors.open(server.url)
    await olga.show()
    const dictation = dictate(['It was sent on Mon', 'day.'])
    model.answer(dictation.answer)
    await chat.page.getByRole('button', { name: 'Talk to a person' }).click()
    await chat.ask('Where is my order?')
    await olga.rows.filter({ hasText: 'Where is my order?' }).click()
    dictation.write(1)
    await olga.page.locator('.row-live', { hasText: 'It was sent on Mon' }).waitFor()
    await olga.press('Take over')
    await olga.who.filter({ hasText: 'You have this chat.' }).waitFor()
    await chat.page.locator('.answers-who', { hasText: 'olga from support is here.' }).waitFor()
    dictation.finish()
    await olga.send('It is at your **door**.')
    await chat.page.locator('.row-reply', { hasText: 'It is at your door.' }).waitFor()
    await chat.ask('Thank you!')
    await olga.page.locator('.row-user', { hasText: 'Thank you!' }).waitFor()
    expect(await olga.page.locator('.row-live').count()).toBe(0)
    expect((await new AxeBuilder({ page: olga.page }).analyze()).violations).toEqual([])
    await olga.press('Hand back')
    await olga.who.filter({ hasText: 'An AI assistant answers.' }).waitFor()
    await chat.page.locator('.answers-who', { hasText: 'An AI assistant answers here.' }).waitFor()
  }, 60_000)

  it('is told who was first', async () => {
    await askForHelp('Berta')
    await olga.show()
    await paul.show()
    for (const console of [olga, paul]) {
      await console.openChat('Berta')
      await console.page.getByRole('button', { name: 'Take over', exact: true }).waitFor()
    }
    await olga.press('Take over')
    await paul.who.filter({ hasText: 'olga has this chat.' }).waitFor()
    await paul.press('Take over from olga')
    await paul.page.locator('.notice-error', { hasText: 'olga' }).waitFor()
    await olga.who.filter({ hasText: 'You have this chat.' }).waitFor()
  }, 60_000)

  it('writes notes, tags and drafts that no visitor sees, and finds them in another browser', async () => {
    const { user, session } = await askForHelp('Carla')
    await olga.show()
    await olga.openChat('Carla')
    await olga.press('Take over')
    await olga.page.getByLabel('Write a note').fill('canary note')
    await olga.press('Add note')
    await olga.page.locator('.desk-note', { hasText: 'canary note' }).waitFor()
    await olga.press('refund')
    await olga.page.locator('.tag[aria-pressed=true]', { hasText: 'refund' }).waitFor()
    await olga.page.getByLabel('Your message').fill('canary draft')
    const elsewhere = await signIn({ browser, server }, OLGA, `?view=mine&session=${session.id}`)
    await elsewhere.page.locator('.desk-note', { hasText: 'canary note' }).waitFor()
    await waitUntil(async () => {
      await elsewhere.page.reload()
      return (await elsewhere.page.getByLabel('Your message').inputValue()) === 'canary draft'
    })
    await elsewhere.close()
    const seen = JSON.stringify([user.received, await user.open({ sessionId: session.id })])
    expect(seen).not.toContain('canary')
  }, 60_000)

  it('hears of a request in exactly one of several tabs', async () => {
    const { context } = paul
    let sounds = 0
    await context.exposeFunction('reportSound', () => (sounds += 1))
    await context.addInitScript(() => {
      const report = Reflect.get(window, 'reportSound') as () => void
      Reflect.set(window, 'AudioContext', function () {
        report()
      })
    })
    await paul.show()
    const tabs = [await context.newPage(), await context.newPage()] as const
    for (const tab of tabs) {
      await tab.goto(`${server.url}console/?view=mine`)
      await tab.locator('.views').waitFor()
    }
    // A page that nobody has used is silent.
    for (const tab of [paul.page, ...tabs]) await tab.getByRole('heading', { level: 1 }).click()
    const count = () => tabs[1].locator('.view-help .view-count').textContent()
    const before = Number(await count())
    const { user, session } = await askForHelp('Nina')
    await waitUntil(async () => Number(await count()) === before + 1)
    await user.emit('help:cancel', { sessionId: session.id })
    await waitUntil(async () => Number(await count()) === before)
    expect(sounds).toBe(1)
    expect(await tabs[0].title()).toMatch(before > 0 ? /^\(\d+\) Console$/ : /^Console$/)
    for (const tab of tabs) await tab.close()
  }, 60_000)

  it('works by keyboard alone, and single keys can be turned off', async () => {
    await askForHelp('Doris')
    const { page, who } = olga
    await olga.show()
    await page.locator('.chat-row').first().waitFor()
    await page.keyboard.press('j')
    await who.waitFor()
    await page.keyboard.press('t')
    await who.filter({ hasText: 'You have this chat.' }).waitFor()
    await page.getByLabel('Your message').press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Type to find').fill('hand')
    await page.keyboard.press('Enter')
    await who.filter({ hasText: 'An AI assistant answers.' }).waitFor()
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByLabel(/Single keys/).uncheck()
    await page.locator('.chat-row, .chats').first().focus()
    await page.keyboard.press('t')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Type to find').waitFor()
    expect(await who.textContent()).toBe('An AI assistant answers.')
  }, 60_000)

  it('shows names and messages of visitors as they are, however hostile', async () => {
    const name = '<img src=x onerror=alert(1)>"\'&\u202e'
    const { user, session } = await askForHelp(name)
    await user.send(session, '<script>alert(1)</script>[x](javascript:alert(1))')
    const { page, rows } = paul
    await paul.show()
    await rows.filter({ hasText: '<img src=x' }).click()
    await page.locator('.row-user', { hasText: '<script>alert(1)</script>' }).waitFor()
    expect(await page.locator('.console img, .console a[href^=javascript]').count()).toBe(0)
  }, 60_000)
})
