import { expect, it } from '@jest/globals'
import type { Locator } from 'playwright-core'
import { describeWithBrowser } from './support/browser.ts'
import { useChats } from './support/chats.ts'

describeWithBrowser('chat page on standalone', () => {
  const chats = useChats()
  const { open } = chats

  it('streams an answer to what was typed', async () => {
    const chat = await open()
    await chat.ask('What is this?')
    await chat.draft.locator('.markdown').waitFor()
    const early = (await chat.draft.textContent()) ?? ''
    const whole = await chat.waitForReply(1)
    expect(whole).toContain('demo model')
    expect(whole.length).toBeGreaterThan(early.length)
    expect(await chat.draft.count()).toBe(0)
    expect(await chat.page.title()).toContain('What is this?')
  }, 30_000)

  it('goes on with the same answer after a reload in the middle of it', async () => {
    const chat = await open()
    await chat.ask('a long one')
    await chat.draft.locator('h3').first().waitFor()
    await chat.page.reload()
    await chat.draft.locator('h3').first().waitFor()
    const whole = await chat.waitForReply(1)
    expect(whole).toContain('When things break')
    expect(await chat.replies.count()).toBe(1)
    expect(await chat.questions.count()).toBe(1)
  }, 60_000)

  it('stops an answer, keeps what was written, and asks again on demand', async () => {
    const chat = await open()
    await chat.ask('a long one')
    await chat.draft.locator('h3').first().waitFor()
    await chat.page.getByRole('button', { name: 'Stop the answer' }).click()
    const stopped = await chat.waitForReply(1)
    expect(stopped).toContain('Stopped')
    expect(stopped).not.toContain('When things break')
    await chat.replies.getByRole('button', { name: 'Try again' }).click()
    await chat.replies.getByText('When things break').waitFor()
    // The stopped text has given way to the whole one.
    expect(await chat.page.locator('.row-reply').count()).toBe(1)
    expect(await chat.page.getByRole('button', { name: 'Try again' }).count()).toBe(0)
  }, 60_000)

  it('says so when there is no answer, and replaces it by the next try', async () => {
    const chat = await open()
    await chat.ask('fail')
    expect(await chat.waitForReply(1)).toContain('The model could not answer.')
    await chat.page.getByRole('button', { name: 'Try again' }).click()
    // A failed answer without a word gives way to its successor: there is one at any time.
    await chat.draft.or(chat.page.locator('.thinking')).first().waitFor()
    await chat.waitForReply(1)
    expect(await chat.replies.count()).toBe(1)
  }, 30_000)

  it('starts a new chat, lists both and shows the old one again', async () => {
    const chat = await open()
    await chat.ask('First question')
    await chat.waitForReply(1)
    await chat.page.getByRole('button', { name: 'New chat' }).first().click()
    await chat.page.getByRole('heading', { name: 'How can we help?' }).waitFor()
    const items = chat.page.getByRole('navigation', { name: 'Your chats' }).getByRole('listitem')
    await items.nth(1).waitFor()
    await items.filter({ hasText: 'First question' }).getByRole('button').click()
    await chat.page
      .locator('.event')
      .getByText('This chat ended when a new one was started.')
      .waitFor()
    await chat.page.getByRole('button', { name: 'Continue in the current chat' }).click()
    await chat.input.waitFor()
  }, 30_000)

  it('ends a chat after one more question, by keyboard alone, and starts another', async () => {
    const chat = await open()
    const { keyboard } = chat.page
    const end = chat.page.getByRole('button', { name: 'End chat' })
    const question = chat.page.getByRole('group', { name: 'End this chat?' })
    const isFocused = (target: Locator): Promise<boolean> =>
      target.evaluate((element) => element === document.activeElement)
    await chat.page.getByText('Connected').waitFor({ state: 'attached' })
    expect(await end.count()).toBe(0)
    await chat.ask('My only question')
    await chat.waitForReply(1)
    await end.focus()
    for (const key of ['Escape', 'Enter']) {
      await keyboard.press('Enter')
      await question.waitFor()
      expect(await isFocused(chat.page.getByRole('button', { name: 'Keep chatting' }))).toBe(true)
      await keyboard.press(key)
      await question.waitFor({ state: 'detached' })
      expect(await isFocused(end)).toBe(true)
    }
    for (const key of ['Enter', 'Tab', 'Enter']) await keyboard.press(key)
    await chat.page.locator('.event').getByText('You ended this chat.').waitFor()
    // Said once the entry is on the screen, in a frame of its own.
    const said = chat.page.locator('[data-live-region]', { hasText: /^You ended this chat\.$/ })
    await said.waitFor({ state: 'attached' })
    expect(await end.or(question).or(chat.input).count()).toBe(0)
    const start = chat.page.getByRole('button', { name: 'Start a new chat' })
    expect(await isFocused(start)).toBe(true)
    await keyboard.press('Enter')
    await chat.page.getByRole('heading', { name: 'How can we help?' }).waitFor()
    await chat.input.waitFor()
    const items = chat.page.getByRole('navigation', { name: 'Your chats' }).getByRole('listitem')
    await items.filter({ hasText: 'My only question' }).getByText('Ended').waitFor()
  }, 30_000)

  it('ends a chat from the drawer on a phone, and leads on to a new one', async () => {
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
    const chat = await open(phone)
    await chat.ask('My only question')
    await chat.waitForReply(1)
    await chat.page.getByRole('button', { name: 'Show your chats' }).tap()
    const drawer = chat.page.getByRole('dialog')
    const question = drawer.getByRole('group')
    await drawer.getByRole('button', { name: 'End chat' }).tap()
    await question.waitFor()
    await chat.page.keyboard.press('Escape')
    await question.waitFor({ state: 'detached' })
    await drawer.getByRole('button', { name: 'End chat' }).tap()
    await question.getByRole('button', { name: 'End chat' }).tap()
    await drawer.waitFor({ state: 'detached' })
    await chat.page.locator('.event').getByText('You ended this chat.').waitFor()
    await chat.page.getByRole('button', { name: 'Start a new chat' }).tap()
    await chat.input.waitFor()
  }, 30_000)

  it('finds the chat of before when one comes back', async () => {
    const chat = await open()
    await chat.ask('Remember me')
    await chat.waitForReply(1)
    const tab = await chat.page.context().newPage()
    await chat.page.close()
    await tab.goto(chats.url)
    await tab.locator('.row-user').getByText('Remember me').waitFor()
    expect(await tab.locator('.row-reply:has(.meta)').count()).toBe(1)
  }, 30_000)

  it('lets another model answer from then on, and says so in the chat', async () => {
    const chat = await open()
    await chat.page.getByLabel('Model').selectOption('Second demo')
    await chat.page.locator('.event', { hasText: 'Second demo answers from here on.' }).waitFor()
    await chat.page.reload()
    await chat.page.locator('.event', { hasText: 'Second demo answers from here on.' }).waitFor()
    expect(await chat.page.getByLabel('Model').inputValue()).toBe('second')
  }, 30_000)

  it('refuses a text that is too long before it is sent, and says by how much', async () => {
    const chat = await open()
    await chat.input.fill('x'.repeat(10_003))
    await chat.page.getByText('3 characters too long').waitFor()
    await chat.input.press('Enter')
    expect(await chat.page.locator('.row-user').count()).toBe(0)
    await chat.input.fill('😀'.repeat(2))
    await chat.input.press('Enter')
    await chat.questions.getByText('😀😀').waitFor()
  }, 30_000)
})
