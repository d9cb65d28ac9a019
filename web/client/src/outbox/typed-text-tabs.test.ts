import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { TypedText } from './typed-text.ts'
import { createTypedTextLab, settle, type } from './typed-text.test.support.ts'

describe('the text in the boxes of several tabs', () => {
  const lab = createTypedTextLab()

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] })
    lab.clear()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  const load = (tabId: string): Promise<TypedText> => lab.load('u', { tabId })
  /** As a tab that was opened without a past, a moment later. */
  const loadNew = (tabId: string): Promise<TypedText> => {
    jest.advanceTimersByTime(1)
    return lab.load('u', { tabId, isNewTab: true })
  }
  async function write(typed: TypedText, text: string): Promise<void> {
    jest.advanceTimersByTime(1)
    await type(typed, text)
  }
  /** What a new tab begins with. */
  const found = async (): Promise<string> => (await loadNew('last')).text

  it('is the own text of each tab, and a new tab begins with the latest one', async () => {
    const [one, two] = [await lab.load('u', { tabId: '1' }), await lab.load('u', { tabId: '2' })]
    await type(one, 'long and old')
    jest.advanceTimersByTime(1)
    await type(two, 'newer')
    expect((await lab.load('u', { tabId: '1' })).text).toBe('long and old')
    expect((await lab.load('u', { tabId: '2' })).text).toBe('newer')
    expect((await lab.load('u', { tabId: '3' })).text).toBe('')
    expect((await lab.load('u', { tabId: '4', isNewTab: true })).text).toBe('newer')
    // From its second load on, a tab has its own.
    expect((await lab.load('u', { tabId: '4' })).text).toBe('newer')
  })

  it('is not found again in another tab after a copy was continued and sent', async () => {
    await type(await lab.load('u', { tabId: '1' }), 'When do you')
    const copy = await lab.load('u', { tabId: '2', isNewTab: true })
    copy.onInput('When do you open?')
    copy.onSent()
    copy.onInput('When')
    await settle()
    expect(await lab.stored()).toEqual(['When'])
    expect((await lab.load('u', { tabId: '1' })).text).toBe('')
  })

  it.each<[string, (copy: TypedText) => void]>([
    ['sent as it is', (copy) => copy.onSent()],
    ['deleted', (copy) => copy.onInput('')],
    ['shortened and sent', (copy) => sendAs(copy, 'Where?')],
    ['sent with other words at its beginning', (copy) => sendAs(copy, 'Hello! Where is my order?')],
    ['deleted for something else that is sent', (copy) => sendAs(copy, '', 'Quick question')],
    ['replaced by something else that is sent', (copy) => sendAs(copy, 'Quick question')],
  ])('is not found again after a copy was %s', async (_, finish) => {
    const source = await load('1')
    await write(source, 'Where is my order?')
    finish(await loadNew('2'))
    await settle()
    expect(await lab.stored()).toEqual([])
    expect((await load('1')).text).toBe('')
    expect(await found()).toBe('')
  })

  it('is not found again when a copy was continued, reloaded and sent', async () => {
    await write(await load('1'), 'Where is')
    await write(await loadNew('2'), ' my order?')
    const copy = await load('2')
    expect(copy.text).toBe('Where is my order?')
    copy.onSent()
    await settle()
    expect(await lab.stored()).toEqual([])
  })

  it('is not found again when a copy of a copy was sent, each of them continued', async () => {
    await write(await load('1'), 'Where')
    await write(await loadNew('2'), ' is my')
    const third = await loadNew('3')
    await write(third, ' order?')
    third.onSent()
    await settle()
    expect(await lab.stored()).toEqual([])
  })

  it('is not found again in copies that nobody has changed, when it is continued and sent', async () => {
    const source = await load('1')
    await write(source, 'Where is')
    for (const tabId of ['2', '3']) await loadNew(tabId)
    await write(source, ' my order?')
    source.onSent()
    await settle()
    expect(await lab.stored()).toEqual([])
  })

  it('is kept where it was changed since a copy was made of it', async () => {
    const source = await load('1')
    await write(source, 'Where is')
    const copy = await loadNew('2')
    await write(source, ' my order? It was')
    copy.onSent()
    await settle()
    expect((await load('1')).text).toBe('Where is my order? It was')
    // The same in the other direction.
    const second = await loadNew('3')
    await write(second, ' number 47')
    source.onInput('')
    await settle()
    expect((await load('3')).text).toBe('Where is my order? It was number 47')
  })

  it('is kept if it only begins alike, or is the same by chance', async () => {
    const [one, two] = [await load('1'), await load('2')]
    await write(one, 'Hello')
    await write(two, 'Hello')
    await write(two, ', where is my order?')
    two.onSent()
    await settle()
    expect(await lab.stored()).toEqual(['Hello'])
  })

  it('is kept in another tab after the copy was sent and a further text is sent', async () => {
    const source = await load('1')
    await write(source, 'one')
    const copy = await loadNew('2')
    copy.onSent()
    await settle()
    await write(source, ' and more')
    await write(copy, 'two')
    copy.onSent()
    await settle()
    expect(await lab.stored()).toEqual(['one and more'])
  })

  it('grows no younger by being copied, so that it is forgotten after a week all the same', async () => {
    await write(await load('1'), 'old')
    for (let day = 1; day <= 6; day += 1) {
      jest.advanceTimersByTime(24 * 3600 * 1000)
      expect((await loadNew(`day ${day}`)).text).toBe('old')
    }
    jest.advanceTimersByTime(24 * 3600 * 1000)
    expect(await found()).toBe('')
    expect(await lab.stored()).toEqual([])
  })

  it('gives way in new tabs to what was typed later than it, however often it is copied', async () => {
    await write(await load('1'), 'older')
    await write(await load('2'), 'newer')
    await lab.load('u', { tabId: '1', isNewTab: true })
    await load('1')
    expect(await found()).toBe('newer')
  })

  it('moves to a new id when a twin has got the id of its tab', async () => {
    const first = await load('1')
    await write(first, 'written')
    const twin = await load('1')
    first.moveTo('1b')
    await write(first, ' in the first')
    await write(twin, ' in the twin')
    expect((await load('1')).text).toBe('written in the twin')
    expect((await load('1b')).text).toBe('written in the first')
  })

  it('is erased with a twin of it that nobody has changed', async () => {
    const first = await load('1')
    await write(first, 'written')
    const twin = await load('1')
    first.moveTo('1b')
    twin.onSent()
    await settle()
    expect(await lab.stored()).toEqual([])
  })

  it('ignores sources that it cannot read', async () => {
    const entry = { kind: 'typed', userId: 'u', text: 'kept', typedAt: new Date().toISOString() }
    for (const [index, sources] of [5, 'no', [null, 1, {}], { 0: 'x' }].entries()) {
      await lab.storage.put(`${index}`, { ...entry, tabId: `${index}`, sources })
      expect((await load(`${index}`)).text).toBe('kept')
    }
  })
})

function sendAs(copy: TypedText, ...texts: string[]): void {
  for (const text of texts) copy.onInput(text)
  copy.onSent()
}
