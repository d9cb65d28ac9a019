import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { toModelSettings } from '../environment/cluster.ts'
import { startModelServer, type ModelServer } from '../environment/model-server.ts'
import { signToken } from '../environment/tokens.ts'
import { describeWithBrowser } from './support/browser.ts'
import { useChatPages } from './support/chat-page.ts'
import { type ChatServer, startChatServer } from './support/chat-server.ts'
import { say } from './support/say.ts'

const CODE = `\`\`\`\n${'wide '.repeat(80)}end\n\`\`\`\n\n`
const WIDE_TABLE = toTable(16, 'column')
const LONG_WORDS = toTable(3, 'wide'.repeat(60))

describeWithBrowser('parts of the chat page', () => {
  let model: ModelServer
  let server: ChatServer
  let closed: ChatServer
  const pages = useChatPages()

  beforeAll(async () => {
    model = await startModelServer()
    const settings = toModelSettings(model.url)
    ;[server, closed] = await Promise.all([
      startChatServer(settings),
      startChatServer({ ...settings, ALLOW_VISITORS: 'false' }),
    ])
  }, 60_000)

  afterAll(async () => {
    await Promise.all([server.stop(), closed.stop()])
    await model.stop()
  })

  it('says that one has to sign in where visitors are not let in', async () => {
    const page = await pages.browser.newPage()
    await page.goto(closed.url)
    await page.getByRole('heading', { name: 'Please sign in' }).waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'Please sign in' }).waitFor()
    await page.close()
  }, 30_000)

  it('takes a token from the application around it', async () => {
    const token = await signToken({ sub: 'ann@example.org', name: 'Ann' })
    const page = await pages.browser.newPage()
    await page.addInitScript((issued) => {
      window.addEventListener('chatbox:token-needed', (event) => {
        const { detail } = event as CustomEvent<{ provide(token: Promise<unknown>): void }>
        const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
        detail.provide(Promise.resolve({ token: issued, expiresAt }))
      })
    }, token)
    model.answer(say('welcome'))
    await page.goto(closed.url)
    await page.getByText('Connected').waitFor({ state: 'attached' })
    await page.getByLabel('Your message').fill('hello')
    await page.getByLabel('Your message').press('Enter')
    await page.locator('.row-reply').getByText('welcome').waitFor()
    await page.close()
  }, 30_000)

  it('copies code and whole answers', async () => {
    const chat = await pages.open(server.url)
    await chat.page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const clipboard = (): Promise<string> =>
      chat.page.evaluate(() => navigator.clipboard.readText())
    model.answer(say('Run **this**:\n\n```sh\nls -l\npwd\n```'))
    await chat.ask('how')
    await chat.waitForReply(1)
    await chat.page.getByRole('button', { name: 'Copy code' }).click()
    await chat.page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await clipboard()).toBe('ls -l\npwd\n')
    await chat.page.getByRole('button', { name: 'Copy', exact: true }).click()
    await chat.page.getByRole('button', { name: 'Copied' }).nth(1).waitFor()
    expect(await clipboard()).toContain('Run **this**')
  }, 30_000)

  it.each<[string, () => void]>([
    ['is missing', () => Object.defineProperty(navigator, 'clipboard', { value: undefined })],
    [
      'is refused',
      () => {
        Clipboard.prototype.writeText = () =>
          Promise.reject(new DOMException('no', 'NotAllowedError'))
      },
    ],
  ])(
    'copies where the clipboard %s, as on plain http, and keeps focus and selection',
    async (_, breakClipboard) => {
      const chat = await pages.open(server.url)
      await chat.page.addInitScript(breakClipboard)
      await chat.page.reload()
      model.answer(say('Keep **this**:\n\n```sh\nls -l\npwd\n```'))
      await chat.ask('how')
      await chat.waitForReply(1)
      const code = chat.page.getByRole('button', { name: 'Copy code' })
      const whole = chat.page.getByRole('button', { name: 'Copy', exact: true })
      for (const [button, copied] of [
        [code, 'ls -l\npwd\n'],
        [whole, 'Keep **this**:\n\n```sh\nls -l\npwd\n```'],
      ] as const) {
        await chat.page.evaluate(() => {
          const strong = document.querySelector('.markdown strong')
          if (strong) document.getSelection()?.selectAllChildren(strong)
        })
        await button.focus()
        await chat.page.keyboard.press('Enter')
        await chat.page.getByRole('button', { name: 'Copied' }).waitFor()
        const kept = await chat.page.evaluate(() => [
          document.activeElement?.textContent,
          document.getSelection()?.toString(),
          document.querySelectorAll('textarea').length,
        ])
        expect(kept).toEqual(['Copied', 'this', 1])
        await chat.input.fill('')
        await chat.input.press('ControlOrMeta+V')
        expect(await chat.input.inputValue()).toBe(copied)
        await button.waitFor()
      }
    },
    30_000,
  )

  it('prints all of a long log, without what only a screen needs', async () => {
    const paragraph = 'Line after line of the answer, as long as it is. '.repeat(8)
    model.answer(say(`${`${paragraph}\n\n`.repeat(24)}${CODE}${WIDE_TABLE}${LONG_WORDS}`, 400))
    for (const colorScheme of ['light', 'dark'] as const) {
      const chat = await pages.open(server.url, { colorScheme })
      await chat.ask('a long one')
      await chat.waitForReply(1)
      await chat.input.fill('not sent')
      const onScreen = await chat.page.getByRole('log').evaluate((log) => log.scrollHeight)
      expect(onScreen).toBeGreaterThan(3000)
      const pdf = (await chat.page.pdf({ format: 'A4' })).toString('latin1')
      expect(pdf.match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThan(2)
      await chat.page.emulateMedia({ media: 'print' })
      const printed = await chat.page.evaluate(() => ({
        height: document.documentElement.scrollHeight,
        log: document.querySelector('.column')?.scrollHeight ?? 0,
        hidden: [
          ...document.querySelectorAll('.header, .side, .composer, .typists, .link, .code-copy'),
        ]
          .map((element) => element.getClientRects().length)
          .reduce((sum, count) => sum + count, 0),
        cut: [...document.querySelectorAll('.scroller, .code-box pre, .table-box')].filter(
          (element) => element.scrollWidth > element.clientWidth + 1,
        ).length,
        colors: [getComputedStyle(document.body)].map((style) => [
          style.color,
          style.backgroundColor,
        ]),
        logo: [...document.querySelectorAll('.column .logo-lines')].map(
          (lines) => getComputedStyle(lines).stroke,
        ),
      }))
      expect(printed.height).toBeGreaterThanOrEqual(printed.log)
      expect(printed).toMatchObject({
        hidden: 0,
        cut: 0,
        colors: [['rgb(0, 0, 0)', 'rgb(255, 255, 255)']],
        logo: ['rgb(255, 255, 255)'],
      })
    }
  }, 60_000)

  it('reads earlier messages on the way up, keeps the place, and jumps back to the end', async () => {
    model.answer(say('ok'))
    const chat = await pages.open(server.url)
    for (let count = 1; count <= 30; count += 1) {
      await chat.ask(`question ${count}`)
      await chat.waitForReply(count)
    }
    await chat.page.reload()
    await chat.questions.getByText('question 30', { exact: true }).waitFor()
    expect(await chat.questions.getByText('question 1', { exact: true }).count()).toBe(0)
    const log = chat.page.getByRole('log')
    const first = chat.questions.first()
    const before = await first.textContent()
    await log.evaluate((element) => element.scrollTo(0, 60))
    await chat.questions.getByText('question 1', { exact: true }).waitFor()
    const place = chat.questions.filter({ hasText: before ?? '' }).first()
    expect((await place.boundingBox())?.y).toBeGreaterThan(-200)
    expect((await place.boundingBox())?.y).toBeLessThan(400)
    await chat.page.getByRole('button', { name: 'Jump to the latest message' }).click()
    await chat.page.waitForFunction(() => {
      const element = document.querySelector('[role=log]')
      return element && element.scrollHeight - element.scrollTop - element.clientHeight < 5
    })
  }, 60_000)
})

/** A table of one row and so many columns, with the same in each cell. */
function toTable(columns: number, cell: string): string {
  const row = (text: string): string => `|${` ${text} |`.repeat(columns)}\n`
  return `${row(cell)}${row('---')}${row(cell)}\n`
}
