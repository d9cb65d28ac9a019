import { describe, expect, it } from '@jest/globals'
import type { LogRange } from '@chatbox/core'
import type { Message } from '@chatbox/contract'
import { readHistory } from './read-history.ts'

function createLog(length: number, content = 'word') {
  const log = Array.from({ length }, (_, at): Message => ({
    id: `m${at + 1}`,
    sessionId: 's',
    seq: at + 1,
    kind: 'text',
    sender: { type: 'user', id: 'u', name: '' },
    content,
    attachments: [],
    status: 'complete',
    createdAt: '2026-01-02T03:04:05.000Z',
  }))
  const asked: LogRange[] = []
  return {
    asked,
    async read(_sessionId: string, range: LogRange) {
      asked.push(range)
      const before = log.filter(({ seq }) => seq < (range.beforeSeq ?? Infinity))
      return { messages: before.slice(-range.limit), hasMore: before.length > range.limit }
    },
  }
}

const seqs = (messages: Message[]) => [messages.at(0)?.seq, messages.at(-1)?.seq, messages.length]

describe('readHistory', () => {
  it('reads a short log in one page', async () => {
    const log = createLog(7)
    const history = await readHistory(log, { sessionId: 's', questionSeq: 7, tokens: 8000 })
    expect(seqs(history)).toEqual([1, 7, 7])
    expect(log.asked).toHaveLength(1)
  })

  it('reads back page by page, in log order, until the window is full', async () => {
    const log = createLog(1000)
    const history = await readHistory(log, { sessionId: 's', questionSeq: 1000, tokens: 700 })
    expect(seqs(history)).toEqual([601, 1000, 400])
    expect(history.map(({ seq }) => seq)).toEqual(Array.from({ length: 400 }, (_, at) => 601 + at))
  })

  it('has an end, however little the entries hold', async () => {
    const log = createLog(3000, '')
    const history = await readHistory(log, { sessionId: 's', questionSeq: 3000, tokens: 100 })
    expect(seqs(history)).toEqual([2001, 3000, 1000])
    expect(log.asked).toHaveLength(5)
  })

  it('looks for replies a little after the question, and not at the whole rest', async () => {
    const log = createLog(1000)
    const history = await readHistory(log, { sessionId: 's', questionSeq: 300, tokens: 1 })
    expect(seqs(history)).toEqual([151, 350, 200])
  })
})
