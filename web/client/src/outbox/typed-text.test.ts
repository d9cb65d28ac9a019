import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { createMemoryStorage } from './outbox-storage.ts'
import { createTypedTextLab, settle, type } from './typed-text.test.support.ts'

const WEEK_MS = 7 * 24 * 3600 * 1000

describe('what a user has typed', () => {
  const lab = createTypedTextLab()

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] })
    lab.clear()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it('survives a reload, with its spaces and empty lines', async () => {
    await type(await lab.load(), '  half a\n\n question \n')
    expect((await lab.load()).text).toBe('  half a\n\n question \n')
    expect(await lab.stored()).toHaveLength(1)
  })

  it('is erased when it is sent and when the user deletes it', async () => {
    const typed = await lab.load()
    await type(typed, 'a question')
    typed.onSent()
    await settle()
    expect([typed.text, await lab.stored()]).toEqual(['', []])
    await type(typed, 'x')
    typed.onInput('')
    await settle()
    expect(await lab.stored()).toEqual([])
  })

  it('keeps both texts when the user types before the storage has answered', async () => {
    await type(await lab.load(), 'of yesterday')
    const late = Promise.withResolvers<undefined>()
    const earlier = lab.storage
    const readAll = async () => {
      await late.promise
      return earlier.readAll()
    }
    lab.storage = { ...earlier, readAll }
    const typed = lab.open()
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
    await type(await lab.load(), 'kept')
    const typed = lab.open()
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
      await lab.storage.put(`typed:${index}:v`, { ...entry, tabId: `${index}`, text: 'x', typedAt })
    }
    await lab.load()
    expect(await lab.stored()).toHaveLength(20)
    lab.storage = createMemoryStorage()
    const typedAt = new Date(Date.now() - WEEK_MS - 1000).toISOString()
    await lab.storage.put('typed:t:v', { ...entry, text: 'x', typedAt })
    const typed = await lab.load()
    expect(await lab.stored()).toEqual([])
    typed.onInput('x'.repeat(250_000))
    await settle()
    expect((await lab.stored())[0]).toHaveLength(100_000)
    expect(typed.text).toHaveLength(250_000)
  })

  it('leaves alone what it cannot read, and works without a storage', async () => {
    const message = { clientMessageId: 'm', userId: 'u', tabId: 'tab', content: 'unsent' }
    const broken = [message, null, 5, {}, { kind: 'typed' }, { kind: 'typed', userId: 1 }]
    for (const [index, value] of broken.entries())
      await lab.storage.put(`${index}`, value as object)
    expect((await lab.load()).text).toBe('')
    expect(await lab.storage.readAll()).toHaveLength(broken.length)
    const fail = async (): Promise<never> => {
      throw new Error('no storage')
    }
    lab.storage = { readAll: fail, put: fail, remove: fail }
    const typed = await lab.load()
    await type(typed, 'kept while the page is open')
    expect(typed.text).toBe('kept while the page is open')
  })

  it('is written at once with each key, and the last value when a slow storage is back', async () => {
    const typed = await lab.load()
    for (const text of ['a', 'ab', 'abc']) {
      typed.onInput(text)
      expect(await lab.stored()).toEqual([text])
    }
    const gate = Promise.withResolvers<undefined>()
    const texts: string[] = []
    const fast = { ...lab.storage }
    lab.storage.put = async (key, value) => {
      texts.push((value as { text: string }).text)
      await gate.promise
      await fast.put(key, value)
    }
    for (let length = 1; length <= 100; length += 1) typed.onInput('x'.repeat(length))
    expect(texts).toHaveLength(32)
    gate.resolve(undefined)
    await settle()
    expect([texts.length, await lab.stored()]).toEqual([33, ['x'.repeat(100)]])
  })

  it('holds few values for a storage that never answers, however much is typed', async () => {
    const puts: unknown[] = []
    const hang = (): Promise<never> => new Promise(() => undefined)
    lab.storage.put = (_key, value) => {
      puts.push(value)
      return hang()
    }
    const typed = await lab.load()
    await type(typed, 'x'.repeat(500))
    expect(puts).toHaveLength(32)
    expect(typed.text).toHaveLength(500)
  })
})
