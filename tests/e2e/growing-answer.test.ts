import { beforeEach, expect, it } from '@jest/globals'
import { describeWithBrowser } from './support/browser.ts'
import { type ChatPage, isAtEnd } from './support/chat-page.ts'
import { useAnsweredChats } from './support/chats.ts'
import { dictate, type Dictation } from './support/dictate.ts'

const LINES = 200
const STEP = 10
/** More than a window shows. */
const FIRST = 50
const WIDE = 'wide '.repeat(60)
const INTRO = 'The **first** words, to be selected.\n\n'

/** Long blocks of `LINES` lines. Each line says its number. */
const BLOCKS = {
  'a code block': { open: '```sh\n', line: (n: number) => `echo ${n} ${WIDE}\n`, box: 'pre' },
  'a table': {
    open: '| n | text |\n| --- | --- |\n',
    line: (n: number) => `| row ${n} | ${'wide'.repeat(60)} |\n`,
    box: '.table-box',
  },
  'a list with **bold** items': {
    open: '',
    line: (n: number) => `${n}. item ${n} is **bold** text\n`,
    box: 'ol',
  },
  'a list with blank lines': { open: '', line: (n: number) => `${n}. item ${n}\n\n`, box: 'ol' },
  'one paragraph': {
    open: '',
    line: (n: number) => `line ${n} with *emphasis*\n`,
    box: 'p:nth-child(2)',
  },
} as const

describeWithBrowser('while an answer of 200 lines is written', () => {
  let chat: ChatPage
  let dictation: Dictation
  const chats = useAnsweredChats()

  beforeEach(async () => {
    chat = await chats.open()
  })

  it('copies code at each press, also while the page follows the end', async () => {
    const sections = Array.from({ length: LINES / 5 }, (_, index) => [
      `Section ${index}:\n\n`,
      '```sh\n',
      `echo ${index}\n`,
      '```\n\n',
      `1. after ${index}\n\n`,
    ])
    await begin(sections.flat())
    await chat.page.evaluate(() => {
      Object.assign(window, { copies: [] })
      navigator.clipboard.writeText = (text) => {
        ;(Reflect.get(window, 'copies') as string[]).push(text)
        return Promise.resolve()
      }
    })
    const expected: string[] = []
    dictation.write(5)
    await waitForText('after 0')
    for (let index = 1; index < sections.length; index += 1) {
      const button = chat.page.locator('.code-copy').nth(index - 1)
      await button.hover()
      await chat.page.mouse.down()
      dictation.write(5)
      await waitForText(`after ${index}`)
      await chat.page.mouse.up()
      expected.push(`echo ${index - 1}\n`)
      await chat.page.waitForFunction(isAtEnd)
    }
    expect(await chat.page.evaluate('window.copies')).toEqual(expected)
  }, 60_000)

  it.each(Object.entries(BLOCKS))(
    'keeps scrolling, focus and selection in %s, and when the answer ends',
    async (_name, { open, line, box }) => {
      const isWide = box === 'pre' || box === '.table-box'
      const lines = Array.from({ length: LINES }, (_, index) => line(index + 1))
      await begin([INTRO, open, ...lines, '\nThe end.'])
      dictation.write(2 + FIRST)
      await waitForText(String(FIRST))
      await chat.page.getByRole('log').evaluate((log) => log.scrollTo(0, 0))
      const before = await useBlock(box)
      expect(before).toMatchObject({ selection: expect.stringContaining('selected'), top: 0 })
      if (isWide) expect(before).toMatchObject({ left: 150, hasFocus: true })
      const kept: unknown[] = []
      for (let count = FIRST + STEP; count <= LINES; count += STEP) {
        dictation.write(STEP)
        await waitForText(String(count))
        kept.push(await readUse(box))
      }
      dictation.finish()
      await chat.waitForReply(1)
      kept.push(await readUse(box))
      expect(kept).toEqual(kept.map(() => before))
    },
    60_000,
  )

  async function begin(pieces: readonly string[]): Promise<void> {
    dictation = dictate(pieces)
    chats.model.answer(dictation.answer)
    await chat.ask('a long one')
    await chats.model.received(chats.model.requests.length)
  }

  async function waitForText(text: string): Promise<void> {
    await chat.page.waitForFunction(
      (wanted) => document.querySelector('.markdown')?.textContent.includes(wanted) === true,
      text,
    )
  }

  /** Scrolls the block sideways, focuses it and selects from the first paragraph into it. */
  async function useBlock(box: string): Promise<Use> {
    await chat.page.locator(toSelector(box)).evaluate((block: HTMLElement) => {
      const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT)
      let end = walker.nextNode() as Text
      while (!/\S{4}/.test(end.data)) end = walker.nextNode() as Text
      const start = document.querySelector('.markdown > p')?.lastChild
      if (start) getSelection()?.setBaseAndExtent(start, 2, end, 3)
      block.scrollLeft = 150
      block.focus({ preventScroll: true })
    })
    return await readUse(box)
  }

  async function readUse(box: string): Promise<Use> {
    return await chat.page.locator(toSelector(box)).evaluate((block) => ({
      selection: String(getSelection()),
      left: block.scrollLeft,
      hasFocus: document.activeElement === block,
      top: block.closest('[role=log]')?.scrollTop,
    }))
  }
})

/** What a reader does with a block. */
interface Use {
  selection: string
  left: number
  hasFocus: boolean
  top: number | undefined
}

function toSelector(box: string): string {
  return box === 'pre' ? '.code-box pre' : `.markdown > ${box}`
}
