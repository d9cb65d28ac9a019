import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { createMemoryStorage } from './outbox-storage.ts'
import { createOutboxLab, refusal, type OutboxLab } from './outbox.test.support.ts'

describe('what an outbox takes and how long it waits for its storage', () => {
  let lab: OutboxLab
  beforeEach(() => {
    jest.useFakeTimers()
    lab = createOutboxLab()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it.each([
    ['never answers', () => new Promise<never>(() => undefined)],
    ['answers after 5 s', () => new Promise<[]>((resolve) => setTimeout(() => resolve([]), 5000))],
  ])('sends after a second when the storage %s', async (_, readAll) => {
    lab.storage = { ...lab.storage, readAll }
    const outbox = lab.open()
    void outbox.setUser('u')
    outbox.resume('s')
    outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(999)
    expect(lab.sent).toEqual([])
    await jest.advanceTimersByTimeAsync(1)
    expect(lab.delivered.map(({ content }) => content)).toEqual(['one'])
  })

  it('sends what was stored first when the storage answers in time, and all of it when late', async () => {
    for (const lateMs of [900, 3000]) {
      lab.delivered = []
      lab.storage = createMemoryStorage()
      const before = lab.open()
      await before.setUser('u')
      before.add('s', 'stored')
      const earlier = lab.storage
      const readAll = async () => {
        await new Promise((resolve) => setTimeout(resolve, lateMs))
        return earlier.readAll()
      }
      lab.storage = { ...earlier, readAll }
      const outbox = lab.open()
      void outbox.setUser('u')
      outbox.resume('s')
      outbox.add('s', 'new')
      await jest.advanceTimersByTimeAsync(4000)
      const order = lateMs < 1000 ? ['stored', 'new'] : ['new', 'stored']
      expect(lab.delivered.map(({ content }) => content)).toEqual(order)
    }
  })

  it('sends whole characters alone, also when it sends again what an earlier version refused', async () => {
    lab.answers = [refusal('INVALID_FORMAT', false)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    const stored = outbox.add('s', 'x')
    outbox.add('s', '\uDC4B\n\n')
    await jest.advanceTimersByTimeAsync(0)
    await lab.storage.put(stored.clientMessageId, { ...stored, content: 'half \uD83D' })
    lab.answers = [refusal('INVALID_FORMAT', false)]
    const after = lab.open()
    await after.setUser('u')
    after.resume('s')
    await jest.advanceTimersByTimeAsync(0)
    expect(after.items).toMatchObject([{ failure: { code: 'INVALID_FORMAT' } }])
    after.retry(stored.clientMessageId)
    await jest.advanceTimersByTimeAsync(0)
    expect(after.items).toEqual([])
    expect(lab.delivered.map(({ content }) => content)).toEqual(['\uFFFD', 'half \uFFFD'])
  })

  it('takes nothing that cannot be seen, and discards it when it is to be sent again', async () => {
    const outbox = lab.open()
    await outbox.setUser('u')
    for (const blank of ['', ' \n', '\u200B', '\uFEFF\u2060']) {
      expect(() => outbox.add('s', blank)).toThrow('Nothing of this message can be seen.')
    }
    const failure = { code: 'INVALID_FORMAT', message: 'No.' }
    const item = { ...outbox.add('s', 'x'), content: '\u200B', failure }
    await lab.storage.put(item.clientMessageId, item)
    const after = lab.open()
    await after.setUser('u')
    after.retry(item.clientMessageId)
    expect([after.items, await lab.storage.readAll()]).toEqual([[], []])
  })
})
