import { beforeEach, expect, it } from '@jest/globals'
import { describeWithBrowser } from './support/browser.ts'
import { type ChatPage, isAtEnd } from './support/chat-page.ts'
import { useAnsweredChats } from './support/chats.ts'
import { dictate, type Dictation } from './support/dictate.ts'

const LINES = 120

type Move = (chat: ChatPage) => Promise<unknown>

/** Ways to look back a little, each as often as it is done while new lines arrive. */
const MOVES: [string, number, Move][] = [
  ['12 steps of a touchpad', 12, wheel(-20)],
  ['the smallest step of a touchpad', 1, wheel(-1)],
  ['ArrowUp 10 times', 10, press('ArrowUp')],
  ['Page Up once', 1, press('PageUp')],
  ['a scroll bar', 5, drag],
  ['a finger', 2, swipe],
]

describeWithBrowser('following an answer to its end', () => {
  let chat: ChatPage
  let dictation: Dictation
  let written: number
  const chats = useAnsweredChats()

  beforeEach(async () => {
    chat = await chats.open({ hasTouch: true })
    const lines = Array.from({ length: LINES }, (_, index) => `line ${index + 1}.\n\n`)
    dictation = dictate(lines)
    chats.model.answer(dictation.answer)
    await chat.ask('a long one')
    dictation.write(60)
    written = 60
    await chat.draft.getByText('line 60.').waitFor()
    await chat.page.waitForFunction(isAtEnd)
    expect(await jumpButton().count()).toBe(0)
  })

  it.each(MOVES)(
    'ends with %s',
    async (_name, times, move) => {
      const before = await top()
      for (let count = 0; count < times; count += 1) {
        await move(chat)
        await step()
      }
      await jumpButton().waitFor()
      const after = await top()
      expect(after).toBeLessThan(before)
      for (let count = 0; count < 5; count += 1) await step()
      expect(await top()).toBe(after)
      expect(await jumpButton().count()).toBe(1)
    },
    30_000,
  )

  it('goes on once the reader is back at the end', async () => {
    await wheel(-400)(chat)
    await jumpButton().waitFor()
    await step()
    await wheel(10_000)(chat)
    await jumpButton().waitFor({ state: 'detached' })
    for (let count = 0; count < 3; count += 1) await step()
    await chat.page.waitForFunction(isAtEnd)
    await press('Home')(chat)
    expect(await top()).toBe(0)
    await jumpButton().click()
    await step()
    await chat.page.waitForFunction(isAtEnd)
    await jumpButton().waitFor({ state: 'detached' })
  }, 30_000)

  it('goes on when the window gets higher or lower, which is no move of the reader', async () => {
    for (const height of [500, 800, 400, 1000]) {
      await chat.page.setViewportSize({ width: 1200, height })
      await step()
      await chat.page.waitForFunction(isAtEnd)
      expect(await jumpButton().count()).toBe(0)
    }
  }, 30_000)

  it('goes on while the reader writes a question of several lines', async () => {
    await chat.input.pressSequentially('one')
    for (const line of ['two', 'three', 'four']) {
      await chat.input.press('Shift+Enter')
      await chat.input.pressSequentially(line)
      await step()
      await chat.page.waitForFunction(isAtEnd)
      expect(await jumpButton().count()).toBe(0)
    }
    await chat.input.fill('')
    await step()
    await chat.page.waitForFunction(isAtEnd)
  }, 30_000)

  it('goes on when a wheel moves sideways, as over a wide code block', async () => {
    await chat.page.mouse.wheel(-30, -1)
    await chat.page.keyboard.down('Shift')
    await chat.page.mouse.wheel(0, -30)
    await chat.page.keyboard.up('Shift')
    await step()
    expect(await jumpButton().count()).toBe(0)
  }, 30_000)

  it('goes on with the next question of the reader', async () => {
    await wheel(-400)(chat)
    await jumpButton().waitFor()
    await chat.ask('and another')
    await chat.page.waitForFunction(isAtEnd)
    await jumpButton().waitFor({ state: 'detached' })
  }, 30_000)

  async function step(): Promise<void> {
    dictation.write(1)
    written += 1
    await chat.draft.getByText(`line ${written}.`).waitFor()
  }

  function jumpButton(): ReturnType<ChatPage['page']['getByRole']> {
    return chat.page.getByRole('button', { name: 'Jump to the latest message' })
  }

  /** The place of the log once it moves no more. */
  async function top(): Promise<number> {
    return await chat.page.getByRole('log').evaluate(async (log) => {
      let before = -1
      for (let still = 0; still < 10; before = log.scrollTop) {
        await new Promise(requestAnimationFrame)
        still = log.scrollTop === before ? still + 1 : 0
      }
      return before
    })
  }
})

function wheel(distance: number): Move {
  return async ({ page }) => {
    await page.mouse.move(700, 300)
    await page.mouse.wheel(0, distance)
  }
}

function press(key: string): Move {
  return async ({ page }) => {
    await page.getByRole('log').focus()
    await page.keyboard.press(key)
  }
}

/** What dragging a scroll bar does to the page; headless browsers have none to drag. */
async function drag({ page }: ChatPage): Promise<void> {
  await page.getByRole('log').evaluate((log) => log.scrollBy(0, -15))
}

async function swipe({ page }: ChatPage): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const touch = async (
    type: 'touchStart' | 'touchMove' | 'touchEnd',
    y?: number,
  ): Promise<void> => {
    const touchPoints = y === undefined ? [] : [{ x: 700, y }]
    await session.send('Input.dispatchTouchEvent', { type, touchPoints })
  }
  await touch('touchStart', 300)
  for (let y = 310; y <= 400; y += 10) await touch('touchMove', y)
  await touch('touchEnd')
  await session.detach()
}
