import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { readEvents, type StreamEvent } from './event-stream.ts'

const EVENTS = ['plain', 'Héllo 世界', '🎉👩‍👩‍👧 flags 🇩🇪', '{"text":"a\\nb"}']

describe('an event stream', () => {
  it.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CRLF', '\r\n'],
  ])('reads the same cut at every byte, lines ended by %s, with and without BOM', async (_, nl) => {
    for (const head of ['', '\uFEFF']) {
      const bytes = Buffer.from(head + EVENTS.map((data) => `data: ${data}${nl}${nl}`).join(''))
      for (let at = 0; at <= bytes.length; at++) {
        expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(EVENTS)
      }
      expect(await read([...bytes].map((byte) => Buffer.of(byte)))).toEqual(EVENTS)
    }
  })

  it('reads the same however it is cut', async () => {
    const lines = fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text))
    const newline = fc.constantFrom('\n', '\r', '\r\n')
    const cuts = fc.array(fc.nat(400), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.array(lines, { minLength: 1 }), newline, cuts, async (data, nl, at) => {
        const sent = data.filter((text) => text.isWellFormed())
        const bytes = Buffer.from(sent.map((text) => `data: ${text}${nl}${nl}`).join(''))
        expect(await read(cut(bytes, at))).toEqual(sent)
      }),
      { numRuns: 300 },
    )
  })

  it('hands on together what came together', async () => {
    const reads: string[][] = []
    const parts = ['data: one\n\ndata: two\n\nda', 'ta: three', '\n\n']
    for await (const events of readEvents(from(parts.map((part) => Buffer.from(part))))) {
      reads.push(events.map(toData))
    }
    expect(reads).toEqual([['one', 'two'], ['three']])
  })

  it.each(['data: two', 'data: two\n', 'data: two\r\n'])('marks an end like %j', async (end) => {
    const events = await readAll([Buffer.from(`data: one\n\n${end}`)])
    expect(events).toEqual([
      { name: '', data: 'one', form: 'event' },
      { name: '', data: 'two', form: 'unended' },
    ])
  })

  it('brings the name of an event', async () => {
    expect(await readAll([Buffer.from('event: error\ndata: x\n\n')])).toEqual([
      { name: 'error', data: 'x', form: 'event' },
    ])
  })

  it('is one JSON document where the first visible character says so', async () => {
    for (const text of ['{"a":1}', '\n\n {"a":1}', '\uFEFF{"a":1}']) {
      for (const pieces of [
        [Buffer.from(text)],
        [...Buffer.from(text)].map((one) => Buffer.of(one)),
      ]) {
        const [whole, ...more] = await readAll(pieces)
        expect(more).toEqual([])
        expect(whole?.form).toBe('whole')
        expect(JSON.parse(whole?.data ?? '')).toEqual({ a: 1 })
      }
    }
  })

  it.each(['<html>', '  <!doctype html>', '[{"text":"x"}]'])(
    'is refused when it is %s',
    async (page) => {
      await expect(read([Buffer.from(page)])).rejects.toMatchObject({
        code: 'LLM_UNAVAILABLE',
        retryable: false,
        said: page.trim(),
      })
    },
  )

  it.each(['Please wait.', 'Please\nwait.', '"x"', '42', 'foo: bar\n', 'datum\n\n'])(
    'is refused at its end when it is %j',
    async (text) => {
      await expect(read([Buffer.from(text)])).rejects.toMatchObject({
        code: 'LLM_UNAVAILABLE',
        retryable: false,
        said: text,
      })
    },
  )

  it.each([
    '',
    '\n\n',
    ': alive\n\n',
    'd',
    'dat',
    'even',
    '\nre',
    'retry: 10\n\n',
    'event: ping\n\n',
  ])('is empty when it is %j', async (text) => {
    expect(await read([...Buffer.from(text)].map((byte) => Buffer.of(byte)))).toEqual([])
  })

  it.each([
    ['a document', ['{"a":"', 'x'.repeat(200)]],
    ['a whole event in one piece', [`data: ${'x'.repeat(200)}\n\n`]],
  ])('ends with an error at %s over the cap', async (_what, pieces) => {
    const reading = read(
      pieces.map((piece) => Buffer.from(piece)),
      100,
    )
    await expect(reading).rejects.toMatchObject({ code: 'LLM_TRUNCATED' })
  })

  it('ends with an error at an event over the cap, after what came before it', async () => {
    const seen: string[] = []
    const big = [Buffer.from('data: small\n\ndata: '), Buffer.alloc(60, 'x'), Buffer.alloc(60, 'x')]
    const reading = (async () => {
      for await (const read of readEvents(from(big), 100)) seen.push(...read.map(toData))
    })()
    await expect(reading).rejects.toMatchObject({
      code: 'LLM_TRUNCATED',
      detail: 'an event has more than 100 characters',
    })
    expect(seen).toEqual(['small'])
  })

  it('lets a long stream of small events pass under the cap', async () => {
    const events = Array.from({ length: 100 }, () => Buffer.from('data: 1234567890\n\n'))
    expect(await read(events, 100)).toHaveLength(100)
  })
})

async function read(chunks: Buffer[], maxLength?: number): Promise<string[]> {
  const events: string[] = []
  for await (const read of readEvents(from(chunks), maxLength)) events.push(...read.map(toData))
  return events
}

async function readAll(chunks: Buffer[]): Promise<StreamEvent[]> {
  const events: StreamEvent[] = []
  for await (const read of readEvents(from(chunks))) events.push(...read)
  return events
}

function toData(event: { data: string }): string {
  return event.data
}

async function* from(chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}

function cut(bytes: Buffer, positions: number[]): Buffer[] {
  const at = [0, ...positions.toSorted((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}
