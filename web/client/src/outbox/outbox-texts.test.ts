import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { ClientPayload, Message } from '@chatbox/contract'
import { createMessage } from '../session/fake-server.test.support.ts'
import { createMemoryStorage, type OutboxStorage } from './outbox-storage.ts'
import { Outbox } from './outbox.ts'
import { RequestError, type RequestErrorCode } from '../connection/request.ts'

type Payload = ClientPayload<'message:send'>

function refusal(code: RequestErrorCode, retryable: boolean, retryAfterMs?: number): RequestError {
  const base = { code, message: 'No.', retryable }
  return new RequestError(retryAfterMs === undefined ? base : { ...base, retryAfterMs })
}

describe('what an outbox takes and how long it waits for its storage', () => {
  let storage: OutboxStorage
  let sent: Payload[]
  let delivered: Message[]
  let answers: (RequestError | 'hang')[]

  function open(): Outbox {
    return new Outbox({
      storage,
      random: () => 0,
      send: async (payload) => {
        sent.push(payload)
        const answer = answers.shift()
        if (answer === 'hang') return new Promise(() => undefined)
        if (answer) throw answer
        return { message: { ...createMessage(sent.length), content: payload.content } }
      },
      onSent: (message) => delivered.push(message),
    })
  }

  beforeEach(() => {
    jest.useFakeTimers()
    storage = createMemoryStorage()
    sent = []
    delivered = []
    answers = []
  })

  afterEach(() => {
    jest.useRealTimers()
  })

  it.each([
    ['never answers', () => new Promise<never>(() => undefined)],
    ['answers after 5 s', () => new Promise<[]>((resolve) => setTimeout(() => resolve([]), 5000))],
  ])('sends after a second when the storage %s', async (_, readAll) => {
    storage = { ...storage, readAll }
    const outbox = open()
    void outbox.setUser('u')
    outbox.resume('s')
    outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(999)
    expect(sent).toEqual([])
    await jest.advanceTimersByTimeAsync(1)
    expect(delivered.map(({ content }) => content)).toEqual(['one'])
  })

  it('sends what was stored first when the storage answers in time, and all of it when late', async () => {
    for (const lateMs of [900, 3000]) {
      delivered = []
      storage = createMemoryStorage()
      const before = open()
      await before.setUser('u')
      before.add('s', 'stored')
      const earlier = storage
      const readAll = async () => {
        await new Promise((resolve) => setTimeout(resolve, lateMs))
        return earlier.readAll()
      }
      storage = { ...earlier, readAll }
      const outbox = open()
      void outbox.setUser('u')
      outbox.resume('s')
      outbox.add('s', 'new')
      await jest.advanceTimersByTimeAsync(4000)
      const order = lateMs < 1000 ? ['stored', 'new'] : ['new', 'stored']
      expect(delivered.map(({ content }) => content)).toEqual(order)
    }
  })

  it('sends whole characters alone, also when it sends again what an earlier version refused', async () => {
    answers = [refusal('INVALID_FORMAT', false)]
    const outbox = open()
    await outbox.setUser('u')
    outbox.resume('s')
    const stored = outbox.add('s', 'x')
    outbox.add('s', '\uDC4B\n\n')
    await jest.advanceTimersByTimeAsync(0)
    await storage.put(stored.clientMessageId, { ...stored, content: 'half \uD83D' })
    answers = [refusal('INVALID_FORMAT', false)]
    const after = open()
    await after.setUser('u')
    after.resume('s')
    await jest.advanceTimersByTimeAsync(0)
    expect(after.items).toMatchObject([{ failure: { code: 'INVALID_FORMAT' } }])
    after.retry(stored.clientMessageId)
    await jest.advanceTimersByTimeAsync(0)
    expect(after.items).toEqual([])
    expect(delivered.map(({ content }) => content)).toEqual(['\uFFFD', 'half \uFFFD'])
  })

  it('takes nothing that cannot be seen, and discards it when it is to be sent again', async () => {
    const outbox = open()
    await outbox.setUser('u')
    for (const blank of ['', ' \n', '\u200B', '\uFEFF\u2060']) {
      expect(() => outbox.add('s', blank)).toThrow('Nothing of this message can be seen.')
    }
    const failure = { code: 'INVALID_FORMAT', message: 'No.' }
    const item = { ...outbox.add('s', 'x'), content: '\u200B', failure }
    await storage.put(item.clientMessageId, item)
    const after = open()
    await after.setUser('u')
    after.retry(item.clientMessageId)
    expect([after.items, await storage.readAll()]).toEqual([[], []])
  })
})
