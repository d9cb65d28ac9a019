import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { createMemoryStorage, type OutboxStorage } from './outbox-storage.ts'
import { TypedText } from './typed-text.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const WEEK_MS = 7 * 24 * 3600 * 1000

describe('what a user has typed', () => {
  let storage: OutboxStorage

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] })
    storage = createMemoryStorage()
  })

  afterEach(() => {
    jest.useRealTimers()
  })

  /** As a page that is loaded in a tab, which may be new. */
  async function load(
    userId: string | null = 'u',
    { tabId = 'tab', isNewTab = false } = {},
  ): Promise<TypedText> {
    const typed = new TypedText({ storage, tabId, isNewTab })
    await settle()
    if (userId !== null) typed.setUser(userId)
    await settle()
    return typed
  }

  async function type(typed: TypedText, text: string): Promise<void> {
    for (let end = 1; end <= text.length; end += 1) typed.onInput(text.slice(0, end))
    await settle()
  }

  async function stored(): Promise<string[]> {
    const texts = (await storage.readAll()) as { text: string }[]
    return texts.map(({ text }) => text)
  }

  it('survives a reload, with its spaces and empty lines', async () => {
    await type(await load(), '  half a\n\n question \n')
    expect((await load()).text).toBe('  half a\n\n question \n')
    expect(await stored()).toHaveLength(1)
  })

  it('is erased when it is sent and when the user deletes it', async () => {
    const typed = await load()
    await type(typed, 'a question')
    typed.onSent()
    await settle()
    expect([typed.text, await stored()]).toEqual(['', []])
    await type(typed, 'x')
    typed.onInput('')
    await settle()
    expect(await stored()).toEqual([])
  })

  it('is the own text of each tab, and a new tab begins with the latest one', async () => {
    const [one, two] = [await load('u', { tabId: '1' }), await load('u', { tabId: '2' })]
    await type(one, 'long and old')
    jest.advanceTimersByTime(1)
    await type(two, 'newer')
    expect((await load('u', { tabId: '1' })).text).toBe('long and old')
    expect((await load('u', { tabId: '2' })).text).toBe('newer')
    expect((await load('u', { tabId: '3' })).text).toBe('')
    expect((await load('u', { tabId: '4', isNewTab: true })).text).toBe('newer')
    // From its second load on, a tab has its own.
    expect((await load('u', { tabId: '4' })).text).toBe('newer')
  })

  it('is not found again in another tab after a copy was continued and sent', async () => {
    await type(await load('u', { tabId: '1' }), 'When do you')
    const copy = await load('u', { tabId: '2', isNewTab: true })
    copy.onInput('When do you open?')
    copy.onSent()
    copy.onInput('When')
    await settle()
    expect(await stored()).toEqual(['When'])
    expect((await load('u', { tabId: '1' })).text).toBe('')
  })

  it('stays in its tab when a copy was deleted and something else was sent', async () => {
    await type(await load('u', { tabId: '1' }), 'a long story')
    const copy = await load('u', { tabId: '2', isNewTab: true })
    copy.onInput('')
    copy.onInput('Quick question')
    copy.onSent()
    await settle()
    expect((await load('u', { tabId: '2' })).text).toBe('')
    expect((await load('u', { tabId: '1' })).text).toBe('a long story')
  })

  it('belongs to the next user of its tab if it was typed before a user was known', async () => {
    const before = await load(null)
    await type(before, 'typed early')
    expect((await load(null)).text).toBe('typed early')
    expect((await load('v', { tabId: 'another', isNewTab: true })).text).toBe('')
    before.setUser('u')
    await settle()
    expect(before.text).toBe('typed early')
    expect((await load('u')).text).toBe('typed early')
    expect(await stored()).toEqual(['typed early'])
  })

  it('is claimed also when the user is known before the storage was read', async () => {
    await type(await load(null), 'typed early')
    const typed = new TypedText({ storage, tabId: 'tab', isNewTab: false })
    typed.setUser('u')
    await settle()
    expect([typed.text, await stored()]).toEqual(['typed early', ['typed early']])
  })

  it('is never shown to another user, and again to its own', async () => {
    const typed = await load('a')
    await type(typed, 'private of a')
    typed.setUser('b')
    expect(typed.text).toBe('')
    await settle()
    await type(typed, 'of b')
    expect((await load('b', { tabId: 'new', isNewTab: true })).text).toBe('of b')
    typed.setUser('a')
    await settle()
    expect(typed.text).toBe('private of a')
    expect((await load('b')).text).toBe('of b')
  })

  it('keeps both texts when the user types before the storage has answered', async () => {
    await type(await load(), 'of yesterday')
    const late = Promise.withResolvers<undefined>()
    const earlier = storage
    const readAll = async () => {
      await late.promise
      return earlier.readAll()
    }
    storage = { ...earlier, readAll }
    const typed = new TypedText({ storage, tabId: 'tab', isNewTab: false })
    typed.setUser('u')
    typed.onInput('of today')
    await settle()
    expect(await earlier.readAll()).toMatchObject([{ text: 'of yesterday' }])
    late.resolve(undefined)
    await settle()
    expect(typed.text).toBe('of yesterday\nof today')
    expect(await earlier.readAll()).toMatchObject([{ text: 'of yesterday\nof today' }])
  })

  it('tells of changes that are not typed, and of no others', async () => {
    await type(await load(), 'kept')
    const typed = new TypedText({ storage, tabId: 'tab', isNewTab: false })
    typed.setUser('u')
    const texts: string[] = []
    typed.subscribe(() => texts.push(typed.text))
    await settle()
    typed.onInput('kept!')
    typed.onSent()
    expect(texts).toEqual(['kept', ''])
  })

  it('is kept for a week, up to 20 texts and 100,000 characters', async () => {
    const entry = { kind: 'typed', userId: 'v', tabId: 't' }
    for (let index = 0; index < 30; index += 1) {
      const typedAt = new Date(Date.now() - 1000 * index).toISOString()
      await storage.put(`typed:${index}:v`, { ...entry, tabId: `${index}`, text: 'x', typedAt })
    }
    await load()
    expect(await stored()).toHaveLength(20)
    storage = createMemoryStorage()
    const typedAt = new Date(Date.now() - WEEK_MS - 1000).toISOString()
    await storage.put('typed:t:v', { ...entry, text: 'x', typedAt })
    const typed = await load()
    expect(await stored()).toEqual([])
    typed.onInput('x'.repeat(250_000))
    await settle()
    expect((await stored())[0]).toHaveLength(100_000)
    expect(typed.text).toHaveLength(250_000)
  })

  it('leaves alone what it cannot read, and works without a storage', async () => {
    const message = { clientMessageId: 'm', userId: 'u', tabId: 'tab', content: 'unsent' }
    const broken = [message, null, 5, {}, { kind: 'typed' }, { kind: 'typed', userId: 1 }]
    for (const [index, value] of broken.entries()) await storage.put(`${index}`, value as object)
    expect((await load()).text).toBe('')
    expect(await storage.readAll()).toHaveLength(broken.length)
    const fail = async (): Promise<never> => {
      throw new Error('no storage')
    }
    storage = { readAll: fail, put: fail, remove: fail }
    const typed = await load()
    await type(typed, 'kept while the page is open')
    expect(typed.text).toBe('kept while the page is open')
  })

  it('is written at once with each key, and the last value when a slow storage is back', async () => {
    const typed = await load()
    for (const text of ['a', 'ab', 'abc']) {
      typed.onInput(text)
      expect(await stored()).toEqual([text])
    }
    const gate = Promise.withResolvers<undefined>()
    const texts: string[] = []
    const fast = { ...storage }
    storage.put = async (key, value) => {
      texts.push((value as { text: string }).text)
      await gate.promise
      await fast.put(key, value)
    }
    for (let length = 1; length <= 100; length += 1) typed.onInput('x'.repeat(length))
    expect(texts).toHaveLength(32)
    gate.resolve(undefined)
    await settle()
    expect([texts.length, await stored()]).toEqual([33, ['x'.repeat(100)]])
  })

  it('holds few values for a storage that never answers, however much is typed', async () => {
    const puts: unknown[] = []
    const hang = (): Promise<never> => new Promise(() => undefined)
    storage.put = (_key, value) => {
      puts.push(value)
      return hang()
    }
    const typed = await load()
    await type(typed, 'x'.repeat(500))
    expect(puts).toHaveLength(32)
    expect(typed.text).toHaveLength(500)
  })
})
