import { AxeBuilder } from '@axe-core/playwright'
import { describe, expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeWithBrowser } from './support/browser.ts'
import type { ChatPageOptions } from './support/chat-page.ts'
import { useChats } from './support/chats.ts'

const PHONE: ChatPageOptions = {
  viewport: { width: 320, height: 640 },
  isMobile: true,
  hasTouch: true,
}

describeWithBrowser('accessibility of the chat page', () => {
  const chats = useChats()
  const { open } = chats

  describe('axe finds nothing', () => {
    const looks: [string, ChatPageOptions][] = [
      ['light', { colorScheme: 'light' }],
      ['dark', { colorScheme: 'dark' }],
      ['on a phone', { ...PHONE, colorScheme: 'light' }],
      ['on a phone, dark', { ...PHONE, colorScheme: 'dark' }],
    ]
    it.each(looks)(
      '%s',
      async (_name, options) => {
        const chat = await open(options)
        await chat.page.getByText('Connected').waitFor({ state: 'attached' })
        expect(await findViolations(chat.page)).toEqual([])
        await chat.ask('a question')
        await chat.waitForReply(1)
        await chat.ask('fail')
        await chat.waitForReply(2)
        expect(await findViolations(chat.page)).toEqual([])
        if (options.isMobile) {
          await chat.page.getByRole('button', { name: 'Show your chats' }).click()
          await chat.page.getByRole('dialog').waitFor()
          expect(await findViolations(chat.page)).toEqual([])
        }
      },
      60_000,
    )
  })

  it('can be used by keyboard alone', async () => {
    const chat = await open()
    const { keyboard } = chat.page
    await chat.page.getByText('Connected').waitFor({ state: 'attached' })
    // The message box has the focus at first; Shift + Enter is a new line in it.
    await keyboard.type('a long one')
    await keyboard.press('Shift+Enter')
    await keyboard.type('please')
    await keyboard.press('Enter')
    await chat.questions.getByText('a long one\nplease').waitFor()
    await chat.draft.locator('h3').first().waitFor()
    await keyboard.press('Escape')
    expect(await chat.waitForReply(1)).toContain('Stopped')
    await focusNext(chat.page, 'Try again', 'Shift+Tab')
    await keyboard.press('Enter')
    await chat.draft.waitFor()
    await keyboard.press('Escape')
    await chat.waitForReply(1)
    await focusNext(chat.page, 'Skip to the message box', 'Shift+Tab')
    expect(await chat.page.locator('.skip').boundingBox()).toMatchObject({ y: 8 })
    await keyboard.press('Enter')
    expect(await focusedName(chat.page)).toBe('Your message')
  }, 60_000)

  it('keeps the focus in the drawer on a phone, and gives it back', async () => {
    const chat = await open(PHONE)
    const button = chat.page.getByRole('button', { name: 'Show your chats' })
    await button.focus()
    await chat.page.keyboard.press('Enter')
    const dialog = chat.page.getByRole('dialog', { name: 'Your chats' })
    await dialog.waitFor()
    for (let step = 0; step < 8; step += 1) {
      await chat.page.keyboard.press('Tab')
      const outside = await chat.page.evaluate(
        () => document.activeElement?.closest('main') !== null && document.activeElement !== null,
      )
      expect(outside).toBe(false)
    }
    await chat.page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await focusedName(chat.page)).toBe('Show your chats')
  }, 30_000)

  it('announces an answer once, when it is whole', async () => {
    const chat = await open()
    await chat.page.evaluate(() => {
      const said: string[] = []
      Reflect.set(window, 'said', said)
      const region = document.querySelector('[data-live-region]')
      if (!region) throw new Error('no region')
      new MutationObserver(() => said.push(region.textContent)).observe(region, {
        subtree: true,
        childList: true,
        characterData: true,
      })
    })
    expect(await chat.page.getByRole('log').getAttribute('aria-live')).toBe('off')
    await chat.ask('Speak to me')
    await chat.waitForReply(1)
    await chat.page.waitForFunction(() => (Reflect.get(window, 'said') as string[]).length > 0)
    const said = (await chat.page.evaluate(
      () => Reflect.get(window, 'said') as unknown,
    )) as string[]
    expect(said).toHaveLength(1)
    expect(said[0]).toContain('demo model')
    expect(said[0]).toContain('To talk to a real model')
  }, 30_000)

  it('does not send while an input method composes a word', async () => {
    const chat = await open()
    const devtools = await chat.page.context().newCDPSession(chat.page)
    await chat.input.focus()
    await devtools.send('Input.imeSetComposition', {
      text: 'にほん',
      selectionStart: 3,
      selectionEnd: 3,
    })
    await chat.input.dispatchEvent('keydown', { key: 'Enter', isComposing: true })
    expect(await chat.page.locator('.row-user').count()).toBe(0)
    await devtools.send('Input.insertText', { text: '日本' })
    await chat.input.press('Enter')
    await chat.page.locator('.row-user').getByText('日本').waitFor()
  }, 30_000)

  it('moves nothing for those who asked for less motion', async () => {
    const chat = await open({ reducedMotion: 'reduce' })
    await chat.ask('a question')
    await chat.page.locator('.row-reply').first().waitFor()
    const running = (): Promise<number> => chat.page.evaluate(() => document.getAnimations().length)
    expect(await running()).toBe(0)
    await chat.waitForReply(1)
    expect(await running()).toBe(0)
  }, 30_000)

  it('fits a phone of 320 px: nothing is cut off to the side, and every control can be hit', async () => {
    const chat = await open(PHONE)
    await chat.ask('a question')
    await chat.waitForReply(1)
    const { overflow, small } = await chat.page.evaluate(() => {
      const width = document.documentElement.clientWidth
      const controls = [...document.querySelectorAll('button, select, textarea')]
      return {
        overflow: document.documentElement.scrollWidth - width,
        small: controls
          .map((control) => ({ box: control.getBoundingClientRect(), html: control.outerHTML }))
          .filter(({ box }) => box.width > 0 && (box.height < 24 || box.width < 24))
          .map(({ html }) => html),
      }
    })
    expect(overflow).toBe(0)
    expect(small).toEqual([])
  }, 30_000)
})

async function findViolations(page: Page): Promise<unknown[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) }))
}

async function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement
    const label = element?.id ? document.querySelector(`label[for="${element.id}"]`) : null
    return element?.getAttribute('aria-label') ?? (label ?? element)?.textContent.trim() ?? ''
  })
}

/** Goes on with the key until the control of that name has the focus. */
async function focusNext(page: Page, name: string, key: string): Promise<void> {
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press(key)
    if ((await focusedName(page)) === name) return
  }
  throw new Error(`${name} cannot be reached with ${key}`)
}
