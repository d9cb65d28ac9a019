import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { createMessage } from '../session/fake-server.test.support.ts'
import { createOutboxLab, refusal, type OutboxLab } from './outbox.test.support.ts'
import { Outbox } from './outbox.ts'

describe('outbox', () => {
  let lab: OutboxLab
  beforeEach(() => {
    jest.useFakeTimers()
    lab = createOutboxLab()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it('waits for a session, then sends one after the other in order', async () => {
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.add(null, 'one')
    outbox.add(null, 'two')
    await jest.advanceTimersByTimeAsync(60_000)
    expect(lab.sent).toEqual([])
    outbox.resume('s')
    await jest.advanceTimersByTimeAsync(0)
    expect(lab.sent.map(({ content, sessionId }) => [content, sessionId])).toEqual([
      ['one', 's'],
      ['two', 's'],
    ])
    expect(lab.delivered).toHaveLength(2)
    expect(outbox.items).toEqual([])
    expect(await lab.storage.readAll()).toEqual([])
  })

  it('never has two messages under way at once', async () => {
    lab.answers = ['hang']
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    outbox.add('s', 'one')
    outbox.add('s', 'two')
    await jest.advanceTimersByTimeAsync(60_000)
    expect(lab.sent).toHaveLength(1)
  })

  it('survives a reload, and sends under the same id', async () => {
    lab.answers = ['hang']
    const before = lab.open()
    await before.setUser('u')
    before.resume('s')
    const { clientMessageId } = before.add(null, 'one')
    await jest.advanceTimersByTimeAsync(0)
    before.close()
    const after = lab.open()
    await after.setUser('u')
    expect(after.items).toMatchObject([{ clientMessageId, sessionId: 's' }])
    after.resume('another')
    await jest.advanceTimersByTimeAsync(0)
    expect(lab.sent).toEqual([lab.sent[0], lab.sent[0]])
  })

  it('survives a reload before there was a connection or a session', async () => {
    const before = lab.open()
    await before.setUser('u')
    const { clientMessageId } = before.add(null, 'one')
    before.close()
    const after = lab.open()
    await after.setUser('u')
    expect(after.items).toMatchObject([{ clientMessageId, content: 'one' }])
  })

  it('does not send what another user of the browser wrote', async () => {
    const first = lab.open()
    await first.setUser('u')
    first.add('s', 'private')
    const second = lab.open()
    await second.setUser('v')
    second.resume('t')
    await jest.advanceTimersByTimeAsync(0)
    expect(second.items).toEqual([])
    expect(lab.sent).toEqual([])
  })

  it('waits as long as it is told to, and sends the same again', async () => {
    lab.answers = [refusal('TOO_MANY_REQUESTS', true, 5000), refusal('UNAVAILABLE', true)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(4999)
    expect(lab.sent).toHaveLength(1)
    await jest.advanceTimersByTimeAsync(1)
    expect(lab.sent).toHaveLength(2)
    await jest.advanceTimersByTimeAsync(10_000)
    expect(lab.sent).toHaveLength(3)
    expect(new Set(lab.sent.map(({ clientMessageId }) => clientMessageId)).size).toBe(1)
    expect(outbox.items).toEqual([])
  })

  it('waits as long as it is told to when more is added meanwhile', async () => {
    lab.answers = [refusal('TOO_MANY_REQUESTS', true, 5000)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(1000)
    outbox.add('s', 'two')
    await jest.advanceTimersByTimeAsync(3999)
    expect(lab.sent).toHaveLength(1)
    await jest.advanceTimersByTimeAsync(1)
    expect(lab.delivered.map(({ content }) => content)).toEqual(['one', 'two'])
  })

  it('takes over nothing of a user who is gone before the storage was read', async () => {
    const before = lab.open()
    await before.setUser('a')
    before.add('s', 'of a')
    const outbox = lab.open()
    void outbox.setUser('a')
    await outbox.setUser('b')
    await jest.advanceTimersByTimeAsync(0)
    expect(outbox.items).toEqual([])
  })

  it('sends nothing of the next user until it is told that their connection is there', async () => {
    const before = lab.open()
    await before.setUser('b')
    before.add('s', 'of b')
    const outbox = lab.open()
    await outbox.setUser('a')
    outbox.resume('s')
    await outbox.setUser('b')
    await jest.advanceTimersByTimeAsync(60_000)
    expect(outbox.items).toMatchObject([{ content: 'of b' }])
    expect(lab.sent).toEqual([])
  })

  it('marks what is refused for good, and goes on with the next', async () => {
    lab.answers = [refusal('SESSION_ENDED', false)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    const { clientMessageId } = outbox.add('s', 'one')
    outbox.add('s', 'two')
    await jest.advanceTimersByTimeAsync(0)
    expect(outbox.items).toMatchObject([{ content: 'one', failure: { code: 'SESSION_ENDED' } }])
    expect(lab.delivered.map(({ content }) => content)).toEqual(['two'])
    outbox.retry(clientMessageId, 't')
    await jest.advanceTimersByTimeAsync(0)
    expect(outbox.items).toEqual([])
    expect(lab.sent.at(-1)).toMatchObject({ sessionId: 't', content: 'one' })
    expect(lab.sent.at(-1)?.clientMessageId).not.toBe(clientMessageId)
  })

  it('leaves a text with its author until the day is over whose limit was reached', async () => {
    lab.answers = [refusal('BUDGET_EXCEEDED', false, 3_600_000)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    const first = outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(0)
    const until = new Date(Date.now() + 3_600_000).toISOString()
    expect(outbox.items[0]?.failure).toEqual({ code: 'BUDGET_EXCEEDED', message: 'No.', until })
    await jest.advanceTimersByTimeAsync(600_000)
    const later = expect.objectContaining({
      code: 'BUDGET_EXCEEDED',
      retryAfterMs: 3_000_000,
    }) as unknown as Error
    expect(() => outbox.add('s', 'two')).toThrow(later)
    expect(lab.sent).toHaveLength(1)

    // The same over a reload, and a second try of the first is up to its author.
    const reloaded = lab.open()
    await reloaded.setUser('u')
    expect(() => reloaded.add('s', 'two')).toThrow(later)
    lab.answers = [refusal('BUDGET_EXCEEDED', false, 3_000_000)]
    reloaded.resume('s')
    reloaded.retry(first.clientMessageId)
    await jest.advanceTimersByTimeAsync(0)
    expect(lab.sent).toHaveLength(2)
    expect(reloaded.items.map(({ content }) => content)).toEqual(['one'])

    await jest.advanceTimersByTimeAsync(3_000_000)
    reloaded.add('s', 'two')
    await jest.advanceTimersByTimeAsync(0)
    expect(lab.sent.at(-1)?.content).toBe('two')
    expect(reloaded.items.map(({ content }) => content)).toEqual(['one'])
  })

  it('takes a text to a person, which no budget limits', async () => {
    lab.answers = [refusal('BUDGET_EXCEEDED', false, 3_600_000)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    outbox.add('s', 'to the model')
    await jest.advanceTimersByTimeAsync(0)
    outbox.add('s', 'to a person', true)
    await jest.advanceTimersByTimeAsync(0)
    expect(lab.sent.at(-1)?.content).toBe('to a person')
    expect(outbox.items.map(({ content }) => content)).toEqual(['to the model'])
  })

  it('takes a text at once when the one that was refused is discarded', async () => {
    lab.answers = [refusal('BUDGET_EXCEEDED', false, 3_600_000)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    const first = outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(0)
    outbox.discard(first.clientMessageId)
    outbox.add('s', 'two')
    await jest.advanceTimersByTimeAsync(0)
    expect(lab.sent.at(-1)?.content).toBe('two')
  })

  it('forgets what the user discards', async () => {
    lab.answers = [refusal('INVALID_FORMAT', false)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    const { clientMessageId } = outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(0)
    outbox.discard(clientMessageId)
    expect(outbox.items).toEqual([])
    expect(await lab.storage.readAll()).toEqual([])
  })

  it('stops while there is no connection', async () => {
    lab.answers = [refusal('OFFLINE', true)]
    const outbox = lab.open()
    await outbox.setUser('u')
    outbox.resume('s')
    outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(0)
    outbox.pause()
    await jest.advanceTimersByTimeAsync(60_000)
    expect(lab.sent).toHaveLength(1)
    outbox.resume('s')
    await jest.advanceTimersByTimeAsync(0)
    expect(lab.sent).toHaveLength(2)
  })

  it('is full at 50 messages or 200,000 characters', async () => {
    const outbox = lab.open()
    await outbox.setUser('u')
    expect(() => outbox.add('s', 'x'.repeat(200_001))).toThrow('Too many')
    for (let index = 0; index < 50; index += 1) outbox.add('s', 'x')
    expect(() => outbox.add('s', 'x')).toThrow('Too many')
  })

  it('takes nothing from the storage that it cannot read, or that is a week old', async () => {
    const good = {
      clientMessageId: 'a',
      userId: 'u',
      tabId: 't',
      sessionId: null,
      content: 'text',
      createdAt: new Date().toISOString(),
      failure: { code: 'SESSION_ENDED', message: 'Ended.' },
    }
    const old = { ...good, clientMessageId: 'b', createdAt: '2020-01-01T00:00:00.000Z' }
    const broken = [
      null,
      5,
      {},
      { ...good, content: 1 },
      { ...good, sessionId: 2 },
      { ...good, failure: 3 },
    ]
    lab.storage.readAll = async () => [good, old, ...broken.slice(0, 5)]
    const outbox = lab.open()
    await outbox.setUser('u')
    expect(outbox.items).toEqual([good])
  })

  it('keeps nothing that is a week old in the storage, whoever wrote it', async () => {
    const before = lab.open()
    await before.setUser('u')
    before.add('s', 'one')
    jest.setSystemTime(Date.now() + 8 * 24 * 3600 * 1000)
    await lab.open().setUser('v')
    expect(await lab.storage.readAll()).toEqual([])
  })

  it('works without a storage, and says that it has none', async () => {
    const fail = async (): Promise<never> => {
      throw new Error('no storage')
    }
    const outbox = new Outbox({
      storage: { readAll: fail, put: fail, remove: fail },
      send: async ({ content }) => ({ message: { ...createMessage(1), content } }),
      onSent: (message) => lab.delivered.push(message),
    })
    await outbox.setUser('u')
    outbox.resume('s')
    outbox.add('s', 'one')
    await jest.advanceTimersByTimeAsync(0)
    expect(lab.delivered).toHaveLength(1)
  })
})
