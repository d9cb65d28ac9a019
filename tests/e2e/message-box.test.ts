import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeWithBrowser } from './support/browser.ts'
import { useChats } from './support/chats.ts'

interface Key {
  key: string
  keyCode: number
  isComposing: boolean
}

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

describeWithBrowser('the message box', () => {
  const { connect } = useChats()

  const OF_AN_INPUT_METHOD: [string, Key][] = [
    ['WebKit after the composition', { key: 'Enter', keyCode: 229, isComposing: false }],
    ['Chromium in the composition', { key: 'Enter', keyCode: 229, isComposing: true }],
    ['Firefox in the composition', { key: 'Enter', keyCode: 13, isComposing: true }],
    ['one that hides the key', { key: 'Process', keyCode: 229, isComposing: true }],
    ['Android', { key: 'Unidentified', keyCode: 229, isComposing: false }],
  ]
  it.each(OF_AN_INPUT_METHOD)(
    'does not send by an Enter of %s that ends a word',
    async (_, init) => {
      const chat = await connect()
      await chat.input.fill('にほん')
      await compose(chat.page, init)
      expect(await chat.input.inputValue()).toBe('にほん')
      expect(await chat.page.locator('.row-user').count()).toBe(0)
      await chat.input.press('Enter')
      await chat.questions.getByText('にほん').waitFor()
    },
    30_000,
  )

  it('takes Enter as a new line where the pointer is coarse, and sends by its button', async () => {
    const chat = await connect(PHONE)
    await chat.input.pressSequentially('first line')
    await chat.input.press('Enter')
    await chat.input.pressSequentially('second line')
    expect(await chat.input.inputValue()).toBe('first line\nsecond line')
    expect(await chat.input.getAttribute('enterkeyhint')).toBe('enter')
    expect(await chat.page.locator('.row-user').count()).toBe(0)
    await chat.page.getByRole('button', { name: 'Send' }).tap()
    await chat.questions.getByText('second line').waitFor()
    expect(await chat.page.locator('#composer-hint').textContent()).toBe('')
    expect(await chat.questions.locator('.bubble').textContent()).toBe('first line\nsecond line')
  }, 30_000)

  it('sends by Ctrl + Enter or Cmd + Enter of a keyboard at a touch screen', async () => {
    const chat = await connect(PHONE)
    for (const [index, key] of ['Control+Enter', 'Meta+Enter'].entries()) {
      await chat.input.pressSequentially(`by ${key}`)
      await chat.input.press(key)
      await chat.questions.nth(index).waitFor()
    }
  }, 30_000)

  it.each([
    ['    if (open) {\n      enter()\n    }', '    if (open) {\n      enter()\n    }'],
    ['\n\n\tindented\n\n\nlast\n \n', '\tindented\n\n\nlast'],
    ['👩‍👩‍👧‍👦 می‌خواهم \u200Fשלום', '👩‍👩‍👧‍👦 می‌خواهم \u200Fשלום'],
    ['a cut emoji \uD83D', 'a cut emoji \uFFFD'],
    ['\uDC4B\uD83D turned', '\uFFFD\uFFFD turned'],
  ])(
    'sends %j as it was typed, in whole characters',
    async (typed, sent) => {
      const chat = await connect()
      await setValue(chat.page, typed)
      await chat.input.press('Enter')
      await chat.questions.waitFor()
      await chat.page.reload()
      await chat.questions.waitFor()
      expect(await chat.questions.locator('.bubble').textContent()).toBe(sent)
    },
    30_000,
  )

  it('sends nothing that cannot be seen', async () => {
    const chat = await connect()
    for (const blank of ['\u200B', ' \n\u00A0', '\uFEFF\u2060', '\u202E', '\u2800', '\u{E0041}']) {
      await setValue(chat.page, blank)
      const button = chat.page.getByRole('button', { name: 'Send' })
      expect(await button.getAttribute('aria-disabled')).toBe('true')
      await chat.input.press('Enter')
      expect(await chat.page.locator('.row-user').count()).toBe(0)
    }
  }, 30_000)
})

/** As an input method that ends a word by Enter. */
async function compose(page: Page, init: Key): Promise<void> {
  await page.evaluate((given) => {
    const box = document.querySelector('#message')
    box?.dispatchEvent(new CompositionEvent('compositionstart', { bubbles: true }))
    if (!given.isComposing) {
      box?.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true }))
    }
    box?.dispatchEvent(new KeyboardEvent('keydown', { ...given, bubbles: true, cancelable: true }))
  }, init)
}

/** Half a character would not survive the way of `fill` to the browser. */
async function setValue(page: Page, text: string): Promise<void> {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
  await page.evaluate((codes) => {
    const box = document.querySelector<HTMLTextAreaElement>('#message')
    if (!box) return
    box.value = String.fromCharCode(...codes)
    box.dispatchEvent(new InputEvent('input', { bubbles: true }))
  }, units)
}
