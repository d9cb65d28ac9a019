import { readFile } from 'node:fs/promises'
import { expect, it } from '@jest/globals'
import { describeWithBrowser } from './support/browser.ts'
import { useChats } from './support/chats.ts'

describeWithBrowser('the download of a chat', () => {
  const chats = useChats()

  it('is offered by keyboard once there is something in it, and holds it', async () => {
    const chat = await chats.open()
    const { page } = chat
    const button = page.getByRole('button', { name: 'Download chat' })
    await page.getByText('Connected').waitFor({ state: 'attached' })
    expect(await button.count()).toBe(0)
    await chat.ask('What is <b>this</b>?')
    const answer = await chat.waitForReply(1)
    await button.focus()
    const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
    expect(file.suggestedFilename()).toMatch(/^chat-\d{4}-\d\d-\d\d\.html$/u)
    const text = await readFile(await file.path(), 'utf8')
    expect(text).toContain('What is &lt;b&gt;this&lt;/b&gt;?')
    expect(text).toContain('End of the transcript.')
    expect(text).toContain(answer.slice(0, 20))
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)
  }, 30_000)

  it('is offered of a chat that has ended, on a phone, and says why it ended', async () => {
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
    const chat = await chats.open(phone)
    const { page } = chat
    await chat.ask('My only question')
    await chat.waitForReply(1)
    const menu = page.getByRole('button', { name: 'Show your chats' })
    await menu.tap()
    const drawer = page.getByRole('dialog')
    await drawer.getByRole('button', { name: 'End chat' }).tap()
    await drawer.getByRole('group').getByRole('button', { name: 'End chat' }).tap()
    await page.locator('.event').getByText('You ended this chat.').waitFor()
    await menu.tap()
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      drawer.getByRole('button', { name: 'Download chat' }).tap(),
    ])
    expect(await readFile(await file.path(), 'utf8')).toContain('the user ended it')
  }, 30_000)

  it('that does not come is no file, and is told', async () => {
    const chat = await chats.open({ allowNetworkErrors: true })
    const { page } = chat
    await chat.ask('A question')
    await chat.waitForReply(1)
    let files = 0
    page.on('download', () => files++)
    const button = page.getByRole('button', { name: 'Download chat' })
    await page.route('**/transcript?*', (route) => route.abort())
    await button.click()
    await page.getByText('The server cannot be reached.').waitFor()
    expect(files).toBe(0)
  }, 30_000)
})
