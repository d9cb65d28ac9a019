import { expect, it } from '@jest/globals'
import { describeWithBrowser } from './support/browser.ts'
import type { ChatPage } from './support/chat-page.ts'
import { useAnsweredChats } from './support/chats.ts'
import { say } from './support/say.ts'

const ARABIC = `يمكنك زيارة https://shop.example/help، ثم اختر Returns من القائمة.

- افتح \`npm start\` أولاً
- second item

| المنتج | السعر |
| --- | --- |
| سماعات | 99 |

\`\`\`sh
echo "مرحبا" end
\`\`\``

describeWithBrowser('languages that are written from right to left', () => {
  const chats = useAnsweredChats()

  it('gives each part the direction of its own text', async () => {
    chats.model.answer(say(ARABIC))
    const chat = await chats.open()
    await chat.ask('איך מחזירים iPhone?')
    await chat.waitForReply(1)
    await chat.input.fill('שלום https://shop.example')
    const directions = {
      '.bubble': 'rtl',
      h1: 'rtl',
      '.session-name': 'rtl',
      textarea: 'rtl',
      '.markdown > p': 'rtl',
      '.markdown li:first-child': 'rtl',
      '.markdown li:last-child': 'ltr',
      table: 'rtl',
      'td:last-child': 'rtl',
      'li code': 'ltr',
      pre: 'ltr',
      '.composer': 'ltr',
    }
    for (const [selector, direction] of Object.entries(directions)) {
      const found = chat.page.locator(selector).first()
      expect([selector, await found.evaluate((node) => getComputedStyle(node).direction)]).toEqual([
        selector,
        direction,
      ])
    }
    // Each name is at the side of the list, whatever its direction.
    const edges = await chat.page
      .locator('.session')
      .first()
      .evaluate((item) =>
        ['.session-name', '.session-note'].map(
          (selector) => item.querySelector(selector)?.getBoundingClientRect().left,
        ),
      )
    expect(edges[0]).toBe(edges[1])
    const name = chat.page.locator('.session-name').first()
    expect(await name.evaluate((node) => node.getBoundingClientRect().width)).toBeLessThan(200)
    await chat.input.fill('Hello')
    expect(await chat.input.evaluate((node) => getComputedStyle(node).direction)).toBe('ltr')
  }, 30_000)

  it('keeps the parts of a sentence with an address in their order', async () => {
    chats.model.answer(say(ARABIC))
    const chat = await chats.open()
    await chat.ask('العنوان https://shop.example/a ثم iPhone')
    await chat.waitForReply(1)
    const answer = ['يمكنك', 'https', 'اختر', 'Returns', 'القائمة']
    expect(await sortFromRight(chat, '.markdown > p', answer)).toEqual(answer)
    const question = ['العنوان', 'https', 'ثم', 'iPhone']
    expect(await sortFromRight(chat, '.bubble', question)).toEqual(question)
    const code = ['echo', 'مرحبا', 'end']
    expect((await sortFromRight(chat, 'pre code', code)).toReversed()).toEqual(code)
    const [first, second] = await chat.page
      .locator('td')
      .evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().left))
    expect(first).toBeGreaterThan(second ?? Infinity)
  }, 30_000)

  it('puts the mark of an item and the line of a quote on the side where its text begins', async () => {
    chats.model.answer(say('- עברית\n- English\n\n> ציטוט'))
    const chat = await chats.open()
    await chat.ask('list')
    await chat.waitForReply(1)
    const [hebrew, english] = await chat.page.locator('.markdown li').evaluateAll((items) =>
      items.map((item) => {
        const { left, right } = item.getBoundingClientRect()
        const list = item.parentElement?.getBoundingClientRect() ?? { left: 0, right: 0 }
        return { left: left - list.left, right: list.right - right }
      }),
    )
    expect(hebrew?.right).toBeGreaterThan(10)
    expect(hebrew?.left).toBe(0)
    expect(english).toEqual({ left: hebrew?.right, right: 0 })
    const quote = chat.page.locator('blockquote')
    expect(await quote.evaluate((node) => getComputedStyle(node).borderRightWidth)).toBe('3px')
  }, 30_000)

  /** Sorts words of the first such element by where they stand on the screen. */
  async function sortFromRight(
    chat: ChatPage,
    selector: string,
    words: readonly string[],
  ): Promise<string[]> {
    return await chat.page
      .locator(selector)
      .first()
      .evaluate((element, wanted) => {
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
        const places = new Map<string, number>()
        for (let node = walker.nextNode() as Text | null; node; node = walker.nextNode() as Text) {
          for (const word of wanted) {
            const start = node.data.indexOf(word)
            if (start < 0) continue
            const range = document.createRange()
            range.setStart(node, start)
            range.setEnd(node, start + word.length)
            places.set(word, range.getBoundingClientRect().right)
          }
        }
        return [...places].sort(([, a], [, b]) => b - a).map(([word]) => word)
      }, words)
  }
})
