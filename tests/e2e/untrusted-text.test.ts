import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { describeWithBrowser } from './support/browser.ts'
import type { ChatPage } from './support/chat-page.ts'
import { useAnsweredChats } from './support/chats.ts'
import { EXPENSIVE_TEXTS, HOSTILE_TEXTS } from './support/hostile-texts.ts'
import { say } from './support/say.ts'

/** Written down a second time on purpose: what the page lets through is compared with this. */
const TAGS =
  'P BR HR STRONG EM DEL CODE PRE BLOCKQUOTE A UL OL LI H2 H3 H4 H5 H6 TABLE THEAD TBODY TR TH TD'
/** What the page itself puts around code and tables. */
const OWN =
  'div.code-box div.code-bar span.code-language button.code-copy div.table-box bdi.link-target'
const ATTRIBUTES = 'href target rel start align data-language dir'

describeWithBrowser('text that nobody trusts', () => {
  const chats = useAnsweredChats()
  let chat: ChatPage
  let ran: unknown[]

  beforeEach(async () => {
    // Without the security policy: the renderer alone has to hold.
    chat = await chats.open({ bypassCSP: true })
    ran = []
    await chat.page.exposeFunction('pwned', (id: unknown) => ran.push(id))
  })

  afterEach(() => {
    expect(ran).toEqual([])
  })

  it.each([
    ['cut into single characters, as one answer', HOSTILE_TEXTS.join('\n\n'), 1],
    ['in large pieces, without blank lines', HOSTILE_TEXTS.join('\n'), 500],
    ['nested in lists and quotes', HOSTILE_TEXTS.map((text) => `- > ${text}`).join('\n'), 40],
  ])(
    'becomes nodes of the allow-list and nothing else: %s',
    async (_name, text, pieceLength) => {
      chats.model.answer(say(text, pieceLength, 0))
      await watchNodes()
      await chat.ask('say it')
      await chat.replies.first().waitFor({ timeout: 45_000 })
      expect(await findStrangers()).toEqual([])
      await chat.page.mouse.move(600, 300)
      await chat.page.reload()
      await chat.replies.first().waitFor()
      expect(await findStrangers()).toEqual([])
    },
    90_000,
  )

  it('shows raw HTML as text, images as links and only links that are safe', async () => {
    chats.model.answer(
      say(
        '<b>bold</b> ![a cat](https://leak.example/cat.png) [no](javascript:pwned(1)) [yes](https://ok.example/a) [bank.example](http://leak.example/b) [help](/help)\n\n```js\nlet a\n```',
      ),
    )
    await chat.ask('say it')
    await chat.waitForReply(1)
    const markdown = chat.page.locator('.markdown')
    expect(await markdown.textContent()).toContain('<b>bold</b>')
    const links = await markdown
      .locator('a')
      .evaluateAll((nodes) =>
        nodes.map((node) => [
          node.textContent,
          ...['href', 'rel', 'target'].map((a) => node.getAttribute(a)),
        ]),
      )
    const rel = 'noopener noreferrer nofollow'
    expect(links).toEqual([
      ['a cat', 'https://leak.example/cat.png', rel, '_blank'],
      ['yes', 'https://ok.example/a', rel, '_blank'],
      ['bank.example', 'http://leak.example/b', rel, '_blank'],
      ['help', new URL('/help', chats.url).href, rel, '_blank'],
    ])
    expect(await markdown.textContent()).toContain('no (javascript:pwned(1)) yes')
    expect(await markdown.textContent()).toContain('bank.example (leak.example)')
    expect(await markdown.locator('.code-language').textContent()).toBe('js')
  }, 30_000)

  it('shows what the user wrote as text, also as the name of the chat', async () => {
    chats.model.answer(say('fine'))
    await chat.ask('<img src=x onerror=pwned(1)> **no** markdown')
    await chat.waitForReply(1)
    const text = '<img src=x onerror=pwned(1)> **no** markdown'
    expect(await chat.questions.locator('.bubble').textContent()).toBe(text)
    await chat.page.getByRole('heading', { level: 1 }).getByText('<img src=x').waitFor()
  }, 30_000)

  it('stays quick with texts that are made to be slow', async () => {
    await watchTasks()
    for (const [index, text] of EXPENSIVE_TEXTS.entries()) {
      chats.model.answer(say(text, 2000, 0))
      await chat.ask(`number ${index}`)
      await chat.replies.nth(index).waitFor()
      expect(await longestTask()).toBeLessThan(1500)
    }
  }, 120_000)

  it('renders a long answer at a cost that follows its length, not its square', async () => {
    const paragraph = 'Some **words** with a [link](https://ok.example/) and `code`.\n\n'
    chats.model.answer(say(paragraph.repeat(1500), 400, 0))
    await chat.ask('a very long one')
    await chat.replies.first().waitFor({ timeout: 60_000 })
    expect(await chat.page.locator('.markdown p').count()).toBe(1500)
  }, 90_000)

  /** Collects, while the answer grows, whatever appears that may not. */
  async function watchNodes(): Promise<void> {
    await chat.page.evaluate(`window.strangers = new Set();
      new MutationObserver(() => { for (const one of (${FIND})()) window.strangers.add(one) })
        .observe(document.body, { subtree: true, childList: true })`)
  }

  async function findStrangers(): Promise<unknown> {
    return chat.page.evaluate(`[...(window.strangers ?? []), ...(${FIND})()]`)
  }

  /** Measures from now on for how long the page does not answer. */
  async function watchTasks(): Promise<void> {
    await chat.page.evaluate(() => {
      const longTasks: PerformanceEntry[] = []
      Object.assign(window, { longTasks })
      const observer = new PerformanceObserver((list) => longTasks.push(...list.getEntries()))
      observer.observe({ type: 'longtask' })
    })
  }

  /** Milliseconds for which the page did not answer, at most, since the watch began. */
  async function longestTask(): Promise<number> {
    return await chat.page.evaluate(async () => {
      const longTasks = Reflect.get(window, 'longTasks') as PerformanceEntry[]
      // Tasks are reported late, in their order: the ones before this one are known once it is.
      const start = await new Promise<number>((resolve) => {
        setTimeout(() => {
          const begun = performance.now()
          while (performance.now() < begun + 100);
          resolve(begun)
        })
      })
      const isOwn = (task: PerformanceEntry): boolean => task.startTime + task.duration > start
      while (!longTasks.some(isOwn)) await new Promise(requestAnimationFrame)
      return Math.max(0, ...longTasks.filter((task) => !isOwn(task)).map((task) => task.duration))
    })
  }
})

/** Nodes and attributes within answers that are on none of the lists, as the page itself sees them. */
const FIND = `() => {
  const tags = new Set('${TAGS}'.split(' '))
  const own = new Set('${OWN}'.split(' '))
  const attributes = new Set('${ATTRIBUTES}'.split(' '))
  const found = []
  for (const node of document.querySelectorAll('.markdown *')) {
    const isOwn = own.has(node.localName + '.' + node.className)
    if (!tags.has(node.tagName) && !isOwn) found.push(node.outerHTML)
    for (const { name, value } of node.attributes) {
      const isKnown = attributes.has(name) || isOwn || (name === 'tabindex' && node.tagName === 'PRE')
      if (!isKnown) found.push(name + ' on ' + node.outerHTML)
      if (name === 'href' && !/^(https?|mailto|tel):/.test(value)) found.push(value)
    }
  }
  return found
}`
