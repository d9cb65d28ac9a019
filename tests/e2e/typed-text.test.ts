import { expect, it } from '@jest/globals'
import { describeWithBrowser } from './support/browser.ts'
import { useChats } from './support/chats.ts'
import { expectStored, holds } from './support/typed-text.ts'

const TEXT = '  My order has not come.\n\nIt was number 47'

describeWithBrowser('what a visitor has typed', () => {
  const chats = useChats()

  it('survives a reload at once after the last key, and again', async () => {
    const chat = await chats.connect()
    for (const word of ['one ', 'two, typed fast ', 'three, and a long line ', 'four ', 'five']) {
      const before = await chat.input.inputValue()
      await chat.input.press('End')
      await chat.input.pressSequentially(word)
      await chat.page.reload()
      await holds(chat.page, before + word)
    }
    await chat.input.press('Enter')
    await chat.questions.getByText('one two, typed fast three').waitFor()
    await chat.page.reload()
    await chat.questions.getByText('one two, typed fast three').waitFor()
    expect(await chat.input.inputValue()).toBe('')
    await expectStored(chat.page, [])
  }, 60_000)

  it('keeps what is typed between its return and the next frame of the page', async () => {
    const chat = await chats.connect()
    await chat.input.fill('of yesterday')
    await chat.page.addInitScript(() => {
      const frames: FrameRequestCallback[] = []
      const draw = window.requestAnimationFrame.bind(window)
      window.requestAnimationFrame = (callback) => frames.push(callback)
      Object.assign(window, {
        drawFrames() {
          window.requestAnimationFrame = draw
          for (const callback of frames) draw(callback)
        },
      })
    })
    await chat.page.reload()
    await holds(chat.page, 'of yesterday')
    await chat.input.evaluate((box: HTMLTextAreaElement) => {
      // As a key does, whatever the page has shown so far.
      box.value += '!'
      box.dispatchEvent(new InputEvent('input', { bubbles: true }))
    })
    await chat.page.evaluate('window.drawFrames()')
    await holds(chat.page, 'of yesterday!')
    await expectStored(chat.page, ['of yesterday!'])
  }, 30_000)

  it('survives leaving the page and coming back', async () => {
    const chat = await chats.connect()
    await chat.input.fill(TEXT)
    await chat.page.goto('about:blank')
    await chat.page.goBack()
    await holds(chat.page, TEXT)
    await chat.page.goto('about:blank')
    await chat.page.goto(chats.url)
    await holds(chat.page, TEXT)
  }, 30_000)

  it('survives a look at an ended chat, and its own end', async () => {
    const chat = await chats.connect()
    await chat.ask('First question')
    await chat.waitForReply(1)
    await chat.page.getByRole('button', { name: 'New chat' }).first().click()
    await chat.page.getByRole('heading', { name: 'How can we help?' }).waitFor()
    await chat.input.fill(TEXT)
    const items = chat.page.getByRole('navigation', { name: 'Your chats' }).getByRole('listitem')
    await items.filter({ hasText: 'First question' }).getByRole('button').click()
    await chat.page.getByRole('button', { name: 'Continue in the current chat' }).click()
    await holds(chat.page, TEXT)
    await chat.ask('Second question')
    await chat.waitForReply(1)
    await chat.input.fill(TEXT)
    await chat.page.getByRole('button', { name: 'End chat' }).click()
    await chat.page.getByRole('group').getByRole('button', { name: 'End chat' }).click()
    await chat.page.getByRole('button', { name: 'Start a new chat' }).waitFor()
    await chat.page.reload()
    await holds(chat.page, TEXT)
  }, 60_000)

  const BROKEN: [string, () => void][] = [
    ['is missing', () => Object.defineProperty(window, 'indexedDB', { value: undefined })],
    ['is null', () => Object.defineProperty(window, 'indexedDB', { value: null })],
    [
      'throws',
      () => {
        IDBFactory.prototype.open = () => {
          throw new DOMException('not allowed', 'SecurityError')
        }
      },
    ],
    [
      'never answers',
      () => {
        IDBFactory.prototype.open = () => new EventTarget() as IDBOpenDBRequest
      },
    ],
    [
      'fails later',
      () => {
        IDBFactory.prototype.open = () => {
          const request = { onerror: undefined as (() => void) | undefined, error: new Error('no') }
          setTimeout(() => request.onerror?.(), 50)
          return request as unknown as IDBOpenDBRequest
        }
      },
    ],
    [
      'and the session storage refuse',
      () => {
        Object.defineProperty(window, 'indexedDB', {
          get: () => {
            throw new DOMException('no', 'SecurityError')
          },
        })
        Object.defineProperty(window, 'sessionStorage', {
          get: () => {
            throw new DOMException('no', 'SecurityError')
          },
        })
      },
    ],
  ]
  it.each(BROKEN)(
    'is sent all the same when the database %s',
    async (_, breakDatabase) => {
      const chat = await chats.connect()
      await chat.page.addInitScript(breakDatabase)
      await chat.page.reload()
      await chat.page.getByText('Connected').waitFor({ state: 'attached' })
      await chat.ask('Is anybody there?')
      await chat.waitForReply(1)
      expect(await chat.input.inputValue()).toBe('')
      expect(await chat.unsent.count()).toBe(0)
    },
    30_000,
  )
})

describeWithBrowser('a chat in which somebody types', () => {
  const idle = { RECONNECT_TIMEOUT: '8s', SESSION_IDLE_TIMEOUT: '8s' }
  const demo = { LLM_PROVIDER_1_ID: 'demo', LLM_PROVIDER_1_TYPE: 'demo' }
  const chats = useChats({ ...demo, ...idle })

  it('does not end, and ends when nobody types any more', async () => {
    const chat = await chats.open()
    await chat.ask('A question')
    await chat.waitForReply(1)
    // The sweep for idle sessions comes every 15 to 30 s.
    const until = Date.now() + 40_000
    let typed = ''
    while (Date.now() < until) {
      await chat.input.pressSequentially('word ', { delay: 100 })
      typed += 'word '
    }
    expect(await chat.input.inputValue()).toBe(typed)
    await chat.page.getByText('nobody wrote for a while').first().waitFor({ timeout: 45_000 })
  }, 150_000)
})
