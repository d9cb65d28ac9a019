import { describe, expect, it } from '@jest/globals'
import type { Message } from '@chatbox/contract'
import fc from 'fast-check'
import { cutPage } from './read-session.ts'

function toMessage(length: number, index: number): Message {
  return {
    id: `m${index}`,
    sessionId: 's',
    seq: index + 1,
    kind: 'text',
    sender: { type: 'ai', id: 'demo', name: '' },
    content: 'x'.repeat(length),
    attachments: [],
    status: 'complete',
    createdAt: '2026-01-01T00:00:00.000Z',
  }
}

describe('cutPage', () => {
  it('leaves a short page alone, also in whether there is more', () => {
    const page = { messages: [toMessage(10, 0)], hasMore: false }
    expect(cutPage(page, 'oldest')).toBe(page)
  })

  it('keeps the end next to the reader, whole messages, at least one, and says that there is more', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 150_000 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(lengths, fc.constantFrom('oldest', 'newest'), (sizes, keep) => {
        const messages = sizes.map(toMessage)
        const { messages: kept, hasMore } = cutPage({ messages, hasMore: false }, keep)
        const total = kept.reduce((sum, { content }) => sum + content.length, 0)
        expect(kept.length).toBeGreaterThan(0)
        expect(total <= 200_000 || kept.length === 1).toBe(true)
        expect(hasMore).toBe(kept.length < messages.length)
        const from = keep === 'oldest' ? 0 : messages.length - kept.length
        expect(kept).toEqual(messages.slice(from, from + kept.length))
      }),
      { numRuns: 50 },
    )
  })
})
