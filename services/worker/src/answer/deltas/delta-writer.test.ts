import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { DeltaWriter } from './delta-writer.ts'

interface Sent {
  index: number
  text: string
  soFar: string
  at: number
}

function openWriter(options: { started?: Promise<void>; fencedAt?: number; slowMs?: number } = {}) {
  const sent: Sent[] = []
  const startedAt = Date.now()
  let fenced = 0
  let left = 0
  const writer = new DeltaWriter(
    {
      pace: { intervalMs: () => 40, join: () => () => void (left += 1) },
      length: 10,
      async send({ index, text, textSoFar }) {
        sent.push({ index, text, soFar: textSoFar(), at: Date.now() - startedAt })
        if (options.slowMs) await new Promise((resolve) => setTimeout(resolve, options.slowMs))
        return index === options.fencedAt ? 'fenced' : 'published'
      },
      onFenced: () => fenced++,
    },
    options.started ?? Promise.resolve(),
  )
  return { writer, sent, fenced: () => fenced, left: () => left }
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms)

describe('DeltaWriter', () => {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it('sends the first piece at once and gathers the next ones', async () => {
    const { writer, sent } = openWriter()
    await pass(0)
    writer.push('a')
    await pass(0)
    writer.push('b')
    writer.push('c')
    await pass(39)
    expect(sent.map(({ text, at }) => [text, at])).toEqual([['a', 0]])
    await pass(1)
    expect(sent.map(({ text, at }) => [text, at])).toEqual([
      ['a', 0],
      ['bc', 40],
    ])
  })

  it('sends at once again after a pause', async () => {
    const { writer, sent } = openWriter()
    writer.push('a')
    await pass(100)
    writer.push('b')
    await pass(0)
    expect(sent.map(({ at }) => at)).toEqual([0, 100])
  })

  it('sends nothing more once it is abandoned', async () => {
    const { writer, sent } = openWriter({ slowMs: 20 })
    writer.push('a')
    await pass(0)
    writer.push('b')
    const abandoned = writer.abandon()
    writer.push('c')
    await pass(100)
    await abandoned
    expect(sent.map(({ text }) => text)).toEqual(['a'])
  })

  it('does not wait where much has gathered', async () => {
    const { writer, sent } = openWriter()
    writer.push('a')
    await pass(0)
    writer.push('0123456')
    await pass(5)
    writer.push('789')
    await pass(0)
    expect(sent.map(({ text, at }) => [text, at])).toEqual([
      ['a', 0],
      ['0123456789', 5],
    ])
  })

  it('numbers frames without holes and knows the text up to each', async () => {
    const { writer, sent } = openWriter()
    for (const piece of ['a', 'b', 'c']) {
      writer.push(piece)
      await pass(40)
    }
    expect(sent.map(({ index, soFar }) => [index, soFar])).toEqual([
      [0, 'a'],
      [1, 'ab'],
      [2, 'abc'],
    ])
  })

  it('keeps one frame in flight: a slow bus makes longer frames', async () => {
    const { writer, sent } = openWriter({ slowMs: 500 })
    for (let i = 0; i < 10; i++) {
      writer.push('0123456789')
      await pass(40)
    }
    expect(sent).toHaveLength(1)
    await pass(100)
    expect(sent.map(({ text }) => text.length)).toEqual([10, 90])
    const closed = writer.close()
    await pass(1000)
    await closed
  })

  it('sends nothing before the attempt is announced', async () => {
    const started = Promise.withResolvers<undefined>()
    const { writer, sent } = openWriter({ started: started.promise })
    writer.push('a')
    await pass(100)
    expect(sent).toEqual([])
    started.resolve(undefined)
    await pass(0)
    expect(sent.map(({ text }) => text)).toEqual(['a'])
  })

  it('sends the rest when it is closed, and nothing after', async () => {
    const { writer, sent, left } = openWriter()
    writer.push('a')
    await pass(0)
    writer.push('b')
    expect(left()).toBe(0)
    await writer.close()
    writer.push('c')
    await writer.close()
    await pass(100)
    expect(sent.map(({ text }) => text)).toEqual(['a', 'b'])
    expect(jest.getTimerCount()).toBe(0)
    expect(left()).toBe(1)
  })

  it('ends at the first frame that a later attempt has overtaken', async () => {
    const { writer, sent, fenced } = openWriter({ fencedAt: 1 })
    for (const piece of ['a', 'b', 'c', 'd']) {
      writer.push(piece)
      await pass(40)
    }
    await writer.close()
    expect(sent.map(({ text }) => text)).toEqual(['a', 'b'])
    expect(fenced()).toBe(1)
  })
})
