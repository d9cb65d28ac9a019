import { describe, expect, it } from '@jest/globals'
import type { LogRange } from '@chatbox/core'
import { LIMITS, type Message } from '@chatbox/contract'
import { readHistory } from './prepare-request.ts'

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
  const page = ({ beforeSeq = Infinity, limit }: LogRange) => {
    const before = log.filter(({ seq }) => seq < beforeSeq)
    return { messages: before.slice(-limit), hasMore: before.length > limit }
  }
  return {
    asked,
    history({ seq, tokens }: { seq: number; tokens: number }) {
      const read = async (_sessionId: string, range: LogRange) => {
        asked.push(range)
        return page(range)
      }
      const latest = page({ limit: LIMITS.historyPage })
      return readHistory({ read }, { question: { sessionId: 's', seq }, latest, tokens })
    },
  }
}

const seqs = (messages: Message[]) => [messages.at(0)?.seq, messages.at(-1)?.seq, messages.length]

describe('readHistory', () => {
  it('needs no other page of a short log', async () => {
    const log = createLog(7)
    const history = await log.history({ seq: 7, tokens: 8000 })
    expect(seqs(history)).toEqual([1, 7, 7])
    expect(log.asked).toEqual([])
  })

  it('reads back page by page, in log order, until the window is full', async () => {
    const log = createLog(1000)
    const history = await log.history({ seq: 1000, tokens: 700 })
    expect(seqs(history)).toEqual([601, 1000, 400])
    expect(history.map(({ seq }) => seq)).toEqual(Array.from({ length: 400 }, (_, at) => 601 + at))
  })

  it('has an end, however little the entries hold', async () => {
    const log = createLog(3000, '')
    const history = await log.history({ seq: 3000, tokens: 100 })
    expect(seqs(history)).toEqual([2001, 3000, 1000])
    expect(log.asked).toHaveLength(4)
  })

  it('looks for replies a little after the question, and not at the whole rest', async () => {
    const log = createLog(1000)
    const history = await log.history({ seq: 300, tokens: 1 })
    expect(seqs(history)).toEqual([151, 350, 200])
  })
})
