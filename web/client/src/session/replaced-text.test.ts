import { describe, expect, it } from '@jest/globals'
import { applyEvent, createSessionLog, type LogEvent } from './session-log.ts'
import { createMessage, createReply, createSession } from './fake-server.test.support.ts'

const question = createMessage(1, { id: 'q' })
const start = { sessionId: 's', replyId: 'r', replyTo: 'q', modelId: 'm', attempt: 1 }
const delta = (index: number, text: string, attempt = 1): LogEvent => ({
  type: 'delta',
  delta: { sessionId: 's', replyId: 'r', attempt, index, text },
})

describe('a text that is replaced after it was shown', () => {
  const replaced = {
    ...createMessage(2, { id: 'r', replyTo: 'q', sender: 'ai' }),
    content: 'Sorry.',
  }
  const begun: LogEvent[] = [
    { type: 'message', message: question },
    { type: 'start', start },
    delta(0, 'a secret'),
  ]
  it.each<[string, LogEvent[]]>([
    ['the final message', [{ type: 'message', message: replaced }]],
    [
      'the final message, also for late pieces',
      [{ type: 'message', message: replaced }, delta(1, '!')],
    ],
    [
      'another attempt',
      [{ type: 'start', start: { ...start, attempt: 2 } }, delta(0, 'Sorry.', 2)],
    ],
    [
      'a piece of another attempt alone, also for late ones',
      [delta(0, 'Sorry.', 2), delta(1, '!')],
    ],
    [
      'a page of the log',
      [
        {
          type: 'opened',
          page: {
            session: { ...createSession(), lastSeq: 2 },
            messages: [question, replaced],
            hasMore: false,
            reply: null,
          },
        },
      ],
    ],
    [
      'the state of the reply in a page',
      [
        {
          type: 'opened',
          page: {
            session: { ...createSession(), lastSeq: 1 },
            messages: [question],
            hasMore: false,
            reply: { ...createReply(), attempt: 2, index: 1, text: 'Sorry.' },
          },
        },
      ],
    ],
  ])('shows nothing of a text that was replaced by %s', (_, events) => {
    const log = [...begun, ...events].reduce(
      applyEvent,
      createSessionLog({ session: createSession(), messages: [], hasMore: false, reply: null }),
    )
    expect(JSON.stringify(log)).not.toContain('secret')
    const shown = [...log.drafts.map(({ text }) => text), log.messages.at(-1)?.content]
    expect(shown[0]).toBe('Sorry.')
  })
})
